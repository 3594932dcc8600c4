# apigw.bash - what bash completes after `apigw`.

# What each command takes, and the values of options that have a list of them. The rest of an option's value, and
# arguments, are files.
_apigw_options() {
    local serve="--host --allow-host --port --tls-cert --tls-key --ephemeral --no-watch --ready-file --wrap --log-level --log-format"
    serve+=" --logs --help"
    case $1 in
        '') echo "--help --version" ;;
        run | exec) echo "$serve" ;;
        invoke) echo "--event --log-level --log-format --help" ;;
        event) echo "--stage --body --set --help" ;;
        rules | collections) echo "--format --help" ;;
        new) echo "--template --help" ;;
        ca) echo "--path --help" ;;
        check) echo "--help" ;;
        connect)
            echo "--api --cacert --color --connect-to --expect --fragment --full --header --help --insecure" \
                "--no-timestamps --null --pretty --ready-file --script --send --sign --stage --subprotocol --timeout" \
                "--timestamps --verbose --wait"
            ;;
        post)
            echo "--api --cacert --connect-to --file --help --insecure --ready-file --stage --timeout --url"
            ;;
        connections)
            echo "--api --cacert --connect-to --help --insecure --json --ready-file --stage --timeout --url"
            ;;
    esac
}

_apigw_values() {
    case "$1 $2" in
        *" --log-level") echo "error warn info debug" ;;
        *" --log-format" | "collections --format") echo "text json" ;;
        "rules --format") echo "text markdown json" ;;
        "connect --color") echo "auto always never" ;;
        *" --template") echo "echo chat authorizer" ;;
    esac
}

# Is one of these among the words between the command and the one that is typed?
_apigw_has() {
    local word
    for word in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
        [[ " $1 " == *" $word "* ]] && return
    done
    return 1
}

# Words that begin with what is typed; without any, files.
_apigw_offer() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_apigw_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "${2:--f}" -- "$1")
}

_apigw() {
    local commands="run check exec invoke event rules new collections connect post connections ca help"
    local command=${COMP_WORDS[1]}
    local events="connect message disconnect authorizer"
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} values i

    # Behind `--`, exec has another command's words.
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ $command == exec && ${COMP_WORDS[i]} == -- ]]; then
            if ((i == COMP_CWORD - 1)); then
                mapfile -t COMPREPLY < <(compgen -c -- "$word")
            else
                _apigw_files "$word"
            fi
            return
        fi
    done

    COMPREPLY=()
    values=$(_apigw_values "$command" "$before")
    if ((COMP_CWORD == 1)); then
        _apigw_offer "$commands $(_apigw_options '')" "$word"
    elif [[ $command == help ]]; then
        ((COMP_CWORD == 2)) && _apigw_offer "${commands% help}" "$word"
    elif [[ -n $values ]]; then
        _apigw_offer "$values" "$word"
    elif [[ $before == --host || $before == --allow-host || $before == --port || $before == --body || $before == --set || $before == --stage ]]; then
        return
    elif [[ $command =~ ^(connect|post|connections)$ && $before =~ ^--(api|connect-to|expect|header|send|stage|subprotocol|timeout|url|wait)$ ]]; then
        return
    elif [[ $before == --wrap ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
    elif [[ $before == --logs ]]; then
        _apigw_files "$word" -d
    elif [[ $word == -* ]]; then
        _apigw_offer "$(_apigw_options "$command")" "$word"
    elif [[ $command == event ]] && ! _apigw_has "$events"; then
        _apigw_offer "$events" "$word"
    elif [[ $command == connections ]] && ! _apigw_has kick; then
        _apigw_offer kick "$word"
    elif [[ ! $command =~ ^(new|ca|connect|post|connections)$ || $before =~ ^--(cacert|ready-file|script|file)$ ]]; then
        _apigw_files "$word"
    fi
}

complete -F _apigw apigw
