# fish completion for sockward, made by: sockward completion fish
complete -c sockward -f
complete -c sockward -n __fish_use_subcommand -a run -d 'The agent: metrics on HTTP, records on standard output'
complete -c sockward -n __fish_use_subcommand -a trace -d 'Live view of failures, of all or of a command; no configuration'
complete -c sockward -n __fish_use_subcommand -a check -d 'What would be observed on this host, and what would stay unseen'
complete -c sockward -n __fish_use_subcommand -a explain -d 'Would bind (or connect) work here, as this or another user, and if not, why; needs no BPF'
complete -c sockward -n __fish_use_subcommand -a scan -d 'The node'\''s names: UTS namespaces, listeners, sockets near the limit, stale socket files'
complete -c sockward -n __fish_use_subcommand -a why -d 'What failed, and why, after the fact: from the agent'\''s record store; needs no root for one'\''s own'
complete -c sockward -n __fish_use_subcommand -a detach -d 'Removes what an agent left in the kernel when it was killed, or told to leave it'
complete -c sockward -n __fish_use_subcommand -a demo -d 'Makes real failures happen, in its own namespaces and directory'
complete -c sockward -n __fish_use_subcommand -a completion -d 'Prints the completion script for bash, zsh or fish'
complete -c sockward -n '__fish_seen_subcommand_from why' -a '(sockward why --complete 2>/dev/null)'
complete -c sockward -n '__fish_seen_subcommand_from run' -l help -d 'Print this help message and exit'
complete -c sockward -n '__fish_seen_subcommand_from run' -l config.file -d 'YAML settings (docs/configuration.md); optional' -rF
complete -c sockward -n '__fish_seen_subcommand_from run' -l print-default-config -d 'print every setting with its default and its meaning, as YAML, and stop'
complete -c sockward -n '__fish_seen_subcommand_from run' -l records.output -d 'records on standard output; auto: text on a terminal, else JSON (default: auto)' -x -a 'auto json text off'
complete -c sockward -n '__fish_seen_subcommand_from run' -l records.store -d 'SQLite file that keeps records for sockward why; auto: records.db in the directory that systemd made (/var/lib/sockward), off without one (default: auto)' -x
complete -c sockward -n '__fish_seen_subcommand_from run' -l kubernetes.events -d 'create Events on pods, which kubectl describe pod shows; needs the rights and the token of packaging/kubernetes/events'
complete -c sockward -n '__fish_seen_subcommand_from run' -l restart.pin-path -d 'bpffs directory where the programs stay attached when the agent dies; off: nowhere (default: /sys/fs/bpf/sockward)' -rF
complete -c sockward -n '__fish_seen_subcommand_from run' -l restart.keep-on-stop -d 'keep the programs attached when the agent is stopped normally, too: the next start misses nothing; sockward detach removes them'
complete -c sockward -n '__fish_seen_subcommand_from run' -l web.listen-address -d 'addresses with ports to serve at (default: 127.0.0.1:9966)' -x
complete -c sockward -n '__fish_seen_subcommand_from run' -l web.telemetry-path -d 'path of the metrics (default: /metrics)' -x
complete -c sockward -n '__fish_seen_subcommand_from run' -l web.enable-ui -d 'serve / and /api/ to anyone who can reach the port'
complete -c sockward -n '__fish_seen_subcommand_from run' -l web.config.file -d 'TLS, users, headers: the web configuration file of Prometheus exporters' -rF
complete -c sockward -n '__fish_seen_subcommand_from run' -l web.allowed-host -d 'names accepted in Host headers, besides IP addresses and localhost' -x
complete -c sockward -n '__fish_seen_subcommand_from run' -l query.socket -d 'where sockward why asks the agent; auto: query.sock in the directory that systemd made (/run/sockward), off without one (default: auto)' -x
complete -c sockward -n '__fish_seen_subcommand_from run' -l bpf.stats -d 'measure the programs'\'' run time (slows every BPF program on the node)'
complete -c sockward -n '__fish_seen_subcommand_from run' -l probe.backend -d 'kind of BPF programs; auto: fexit where the kernel has it (default: auto)' -x -a 'auto fexit tracepoint'
complete -c sockward -n '__fish_seen_subcommand_from run' -l probe.audit -d 'auto: read the kernel'\''s audit messages, in which AppArmor and SELinux say what they refused to whom (default: auto)' -x -a 'auto off'
complete -c sockward -n '__fish_seen_subcommand_from run' -l btf.path -d 'BTF file for exactly this kernel, where it provides none itself' -rF
complete -c sockward -n '__fish_seen_subcommand_from run' -l config.strict -d 'fail when any probe cannot be attached'
complete -c sockward -n '__fish_seen_subcommand_from run' -l log.level -d 'debug, info, warn or error' -x -a 'debug info warn error'
complete -c sockward -n '__fish_seen_subcommand_from run' -l log.format -d 'logfmt or json' -x -a 'logfmt json'
complete -c sockward -n '__fish_seen_subcommand_from trace' -l help -d 'Print this help message and exit'
complete -c sockward -n '__fish_seen_subcommand_from trace' -l json -d 'one JSON object per line (docs/records.schema.json)'
complete -c sockward -n '__fish_seen_subcommand_from trace' -l errno -d 'error names, comma-separated; or all; or default' -x
complete -c sockward -n '__fish_seen_subcommand_from trace' -l syscall -d 'only these calls, comma-separated' -x
complete -c sockward -n '__fish_seen_subcommand_from trace' -l pid -d 'only this process (thread group)' -x
complete -c sockward -n '__fish_seen_subcommand_from trace' -l comm -d 'only commands that match this regular expression' -x
complete -c sockward -n '__fish_seen_subcommand_from trace' -l container -d 'only containers whose name matches, e.g. '\''docker:.*'\'' or host' -x
complete -c sockward -n '__fish_seen_subcommand_from trace' -l stderr-text -d 'also read what new processes write before they fail: finds paths that programs reject themselves (adds a little to every write)'
complete -c sockward -n '__fish_seen_subcommand_from trace' -l duration -d 'stop after this many seconds' -x
complete -c sockward -n '__fish_seen_subcommand_from trace' -l output -d 'write records to this file; else standard output, or standard error beside a command' -rF
complete -c sockward -n '__fish_seen_subcommand_from trace' -l as-root -d 'run the command as root, not as the user who called sudo'
complete -c sockward -n '__fish_seen_subcommand_from trace' -l linger -d 'seconds to go on for processes that outlive the command (default 1)' -x
complete -c sockward -n '__fish_seen_subcommand_from trace' -l probe.backend -d 'kind of BPF programs; auto: fexit where the kernel has it (default: auto)' -x -a 'auto fexit tracepoint'
complete -c sockward -n '__fish_seen_subcommand_from trace' -l probe.audit -d 'auto: read the kernel'\''s audit messages, in which AppArmor and SELinux say what they refused to whom (default: auto)' -x -a 'auto off'
complete -c sockward -n '__fish_seen_subcommand_from trace' -l btf.path -d 'BTF file for exactly this kernel, where it provides none itself' -rF
complete -c sockward -n '__fish_seen_subcommand_from trace' -l config.strict -d 'fail when any probe cannot be attached'
complete -c sockward -n '__fish_seen_subcommand_from trace' -l log.level -d 'debug, info, warn or error' -x -a 'debug info warn error'
complete -c sockward -n '__fish_seen_subcommand_from trace' -l log.format -d 'logfmt or json' -x -a 'logfmt json'
complete -c sockward -n '__fish_seen_subcommand_from check' -l help -d 'Print this help message and exit'
complete -c sockward -n '__fish_seen_subcommand_from check' -l config.file -d 'also check this file' -rF
complete -c sockward -n '__fish_seen_subcommand_from check' -l web.config.file -d 'and this one' -rF
complete -c sockward -n '__fish_seen_subcommand_from check' -l verbose -d 'each probe with its backend, and each operation not seen'
complete -c sockward -n '__fish_seen_subcommand_from check' -l probe.backend -d 'kind of BPF programs; auto: fexit where the kernel has it (default: auto)' -x -a 'auto fexit tracepoint'
complete -c sockward -n '__fish_seen_subcommand_from check' -l probe.audit -d 'auto: read the kernel'\''s audit messages, in which AppArmor and SELinux say what they refused to whom (default: auto)' -x -a 'auto off'
complete -c sockward -n '__fish_seen_subcommand_from check' -l btf.path -d 'BTF file for exactly this kernel, where it provides none itself' -rF
complete -c sockward -n '__fish_seen_subcommand_from check' -l config.strict -d 'fail when any probe cannot be attached'
complete -c sockward -n '__fish_seen_subcommand_from check' -l log.level -d 'debug, info, warn or error' -x -a 'debug info warn error'
complete -c sockward -n '__fish_seen_subcommand_from check' -l log.format -d 'logfmt or json' -x -a 'logfmt json'
complete -c sockward -n '__fish_seen_subcommand_from explain' -l help -d 'Print this help message and exit'
complete -c sockward -n '__fish_seen_subcommand_from explain' -l connect -d 'ask about connect instead of bind'
complete -c sockward -n '__fish_seen_subcommand_from explain' -l pid -d 'as this process: its namespaces, root, directory and credentials' -x
complete -c sockward -n '__fish_seen_subcommand_from explain' -l user -d 'as this user (name or number), with its groups' -x
complete -c sockward -n '__fish_seen_subcommand_from explain' -l log.level -d 'debug, info, warn or error' -x -a 'debug info warn error'
complete -c sockward -n '__fish_seen_subcommand_from explain' -l log.format -d 'logfmt or json' -x -a 'logfmt json'
complete -c sockward -n '__fish_seen_subcommand_from scan' -l help -d 'Print this help message and exit'
complete -c sockward -n '__fish_seen_subcommand_from scan' -l json -d 'one JSON object'
complete -c sockward -n '__fish_seen_subcommand_from scan' -l log.level -d 'debug, info, warn or error' -x -a 'debug info warn error'
complete -c sockward -n '__fish_seen_subcommand_from scan' -l log.format -d 'logfmt or json' -x -a 'logfmt json'
complete -c sockward -n '__fish_seen_subcommand_from why' -l help -d 'Print this help message and exit'
complete -c sockward -n '__fish_seen_subcommand_from why' -l since -d 'only what failed in this time, e.g. 90s, 10m, 2h (24h without a subject)' -x
complete -c sockward -n '__fish_seen_subcommand_from why' -l follow -d 'go on with what fails from now on'
complete -c sockward -n '__fish_seen_subcommand_from why' -l json -d 'one JSON object per group and line (docs/contract.md)'
complete -c sockward -n '__fish_seen_subcommand_from why' -l query.socket -d 'where the agent answers (/run/sockward/query.sock)' -x
complete -c sockward -n '__fish_seen_subcommand_from why' -l records.store -d 'read this file instead of asking the agent' -x
complete -c sockward -n '__fish_seen_subcommand_from why' -l log.level -d 'debug, info, warn or error' -x -a 'debug info warn error'
complete -c sockward -n '__fish_seen_subcommand_from why' -l log.format -d 'logfmt or json' -x -a 'logfmt json'
complete -c sockward -n '__fish_seen_subcommand_from detach' -l help -d 'Print this help message and exit'
complete -c sockward -n '__fish_seen_subcommand_from detach' -l restart.pin-path -d 'where the programs are pinned (/sys/fs/bpf/sockward)' -rF
complete -c sockward -n '__fish_seen_subcommand_from detach' -l log.level -d 'debug, info, warn or error' -x -a 'debug info warn error'
complete -c sockward -n '__fish_seen_subcommand_from detach' -l log.format -d 'logfmt or json' -x -a 'logfmt json'
complete -c sockward -n '__fish_seen_subcommand_from demo' -l help -d 'Print this help message and exit'
complete -c sockward -n '__fish_seen_subcommand_from completion' -l help -d 'Print this help message and exit'
