# What bash runs to complete `osiris`; made by: osiris completion bash
_osiris_completion() {
    local command=${1/#\~/$HOME} kind value help
    type -P -- "$command" >/dev/null || command=osiris
    COMPREPLY=()
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            plain)
                COMPREPLY+=("$value")
                [[ $value != *= ]] || compopt -o nospace 2>/dev/null
                ;;
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
        esac
    done <<<"$(COMP_LINE=${COMP_LINE:0:COMP_POINT} COMP_WORD=$2 _OSIRIS_COMPLETE=bash_complete "$command" 2>/dev/null)"
}

# Before version 4.4 bash sorts what it is given, and has no word for that.
complete -o nosort -F _osiris_completion osiris 2>/dev/null || complete -F _osiris_completion osiris
