#compdef osiris
# What zsh runs to complete `osiris`; made by: osiris completion zsh
_osiris_completion() {
    local command=${(Q)~words[1]} answer kind value help line="${(j: :)words[1,CURRENT]}"
    local -a values shown open open_shown
    (( $+commands[$command] )) || [[ -x $command ]] || command=osiris
    for answer in "${(@f)$(COMP_LINE=$line _OSIRIS_COMPLETE=zsh_complete $command 2>/dev/null)}"; do
        IFS=$'\t' read -r kind value help <<<$answer
        case $kind in
            plain)
                if [[ $value == *= ]]; then
                    open+=("$value")
                    open_shown+=("$value${help:+  -- $help}")
                else
                    values+=("$value")
                    shown+=("$value${help:+  -- $help}")
                fi
                ;;
            dir|file)
                compset -P '--*='
                if [[ $kind == dir ]]; then _path_files -/; else _path_files -f; fi
                ;;
        esac
    done
    (( ! $#values )) || compadd -l -V osiris -d shown -a values
    (( ! $#open )) || compadd -l -V osiris -S '' -d open_shown -a open
}

# From a folder of $fpath this file is the function itself; read by source or eval it registers it.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _osiris_completion "$@"
else
    compdef _osiris_completion osiris
fi
