# apigw.fish - what fish completes after `apigw`.

set -l commands run check exec invoke event rules new collections ca help
set -l events connect message disconnect authorizer
set -l first "not __fish_seen_subcommand_from $commands"
set -l serve '__fish_seen_subcommand_from run exec'
set -l logs '__fish_seen_subcommand_from run exec invoke'
set -l event '__fish_seen_subcommand_from event'

complete -c apigw -n $first -f -a run -d 'Serve a WebSocket API'
complete -c apigw -n $first -f -a check -d 'Say what is wrong with a configuration'
complete -c apigw -n $first -f -a exec -d 'Serve while a command runs, such as a test'
complete -c apigw -n $first -f -a invoke -d 'Run a handler once, without serving'
complete -c apigw -n $first -f -a event -d 'Print an event as AWS would send it'
complete -c apigw -n $first -f -a rules -d 'Show what is enforced'
complete -c apigw -n $first -f -a new -d 'Make a project from a template'
complete -c apigw -n $first -f -a collections -d 'Show what handlers keep'
complete -c apigw -n $first -f -a ca -d 'Show how to trust wss:// and https://'
complete -c apigw -n $first -f -a help -d 'Show the help of a command'
complete -c apigw -n $first -f -l version -d 'Show the version'
complete -c apigw -f -l help -d 'Show help'

complete -c apigw -n $serve -x -l host -d 'Listen on this address'
complete -c apigw -n $serve -x -l port -d 'Listen on this port; 0 takes a free one'
complete -c apigw -n $serve -r -l tls-cert -d 'Show TLS clients this certificate'
complete -c apigw -n $serve -r -l tls-key -d 'The key of the certificate'
complete -c apigw -n $serve -f -l no-watch -d 'Take no notice of changes'
complete -c apigw -n $serve -f -l ephemeral -d 'Keep collections for this run only'
complete -c apigw -n $serve -r -l ready-file -d 'Write there where it listens'
complete -c apigw -n $serve -x -l wrap -a '(__fish_complete_command)' -d 'Start handlers under this command'
complete -c apigw -n $serve -x -l logs -a '(__fish_complete_directories)' -d 'Write log streams below this folder'
complete -c apigw -n $logs -x -l log-level -a 'error warn info debug' -d 'How much to log'
complete -c apigw -n $logs -x -l log-format -a 'text json' -d 'How to log'

complete -c apigw -n '__fish_seen_subcommand_from invoke' -r -l event -d 'The event; - is standard input'
complete -c apigw -n "$event; and not __fish_seen_subcommand_from $events" -f -a "$events" -d 'Event'
complete -c apigw -n $event -x -l stage -d 'A stage of the configuration'
complete -c apigw -n $event -x -l body -d 'The text of a message, or @FILE'
complete -c apigw -n $event -x -l set -d 'Set one value: PATH=VALUE'

complete -c apigw -n '__fish_seen_subcommand_from rules' -x -l format -a 'text markdown json' -d 'How to print'
complete -c apigw -n '__fish_seen_subcommand_from collections' -x -l format -a 'text json' -d 'How to print the list'
complete -c apigw -n '__fish_seen_subcommand_from new' -x -l template -a 'echo chat authorizer' -d 'What to begin with'
complete -c apigw -n '__fish_seen_subcommand_from new' -f
complete -c apigw -n '__fish_seen_subcommand_from ca' -f -l path -d 'Print the path alone'
complete -c apigw -n '__fish_seen_subcommand_from help' -f -a 'run check exec invoke event rules new collections ca'
