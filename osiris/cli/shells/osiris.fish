# What fish runs to complete `osiris`; made by: osiris completion fish
function __osiris_completion
    set -l line (commandline --cut-at-cursor --current-process | string collect)
    set -l token (commandline --cut-at-cursor --current-token)
    set -l option (string match --regex -- '^--[^=]*=' $token)
    set -l rest (string replace -- "$option" '' $token)
    for answer in (env _OSIRIS_COMPLETE=fish_complete COMP_LINE="$line" osiris 2>/dev/null)
        set -l part (string split \t -- $answer)
        switch $part[1]
            case plain
                echo $part[2]\t$part[3]
            case dir
                printf '%s\n' "$option"(__fish_complete_directories "$rest")
            case file
                printf '%s\n' "$option"(__fish_complete_path "$rest")
        end
    end
end

complete --command osiris --no-files --keep-order --arguments '(__osiris_completion)'
