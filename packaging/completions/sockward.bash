# bash completion for sockward, made by: sockward completion bash
_sockward() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word words
  # "=" is a word of its own in bash.
  if [ "$current" = '=' ]; then
    current=''
  elif [ "$previous" = '=' ]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  # Behind "--" is a command line of its own.
  for ((word = 2; word < COMP_CWORD; word++)); do
    [ "${COMP_WORDS[word]}" = -- ] || continue
    if [ $((word + 1)) = "$COMP_CWORD" ]; then
      mapfile -t COMPREPLY < <(compgen -c -- "$current")
    else
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
    return
  done
  case $previous in
    --btf.path) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --config.file) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --log.format) mapfile -t COMPREPLY < <(compgen -W 'logfmt json' -- "$current"); return ;;
    --log.level) mapfile -t COMPREPLY < <(compgen -W 'debug info warn error' -- "$current"); return ;;
    --output) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --probe.audit) mapfile -t COMPREPLY < <(compgen -W 'auto off' -- "$current"); return ;;
    --probe.backend) mapfile -t COMPREPLY < <(compgen -W 'auto fexit tracepoint' -- "$current"); return ;;
    --records.output) mapfile -t COMPREPLY < <(compgen -W 'auto json text off' -- "$current"); return ;;
    --restart.pin-path) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --web.config.file) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
  esac
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
    run|trace|check|explain|scan|why|detach|demo|completion) command=$word && break ;;
    esac
  done
  case $command in
    run) words='--help --config.file --print-default-config --records.output --records.store --kubernetes.events --restart.pin-path --restart.keep-on-stop --web.listen-address --web.telemetry-path --web.enable-ui --web.config.file --web.allowed-host --query.socket --bpf.stats --probe.backend --probe.audit --btf.path --config.strict --log.level --log.format' ;;
    trace) words='--help --json --errno --syscall --pid --comm --container --stderr-text --duration --output --as-root --linger --probe.backend --probe.audit --btf.path --config.strict --log.level --log.format' ;;
    check) words='--help --config.file --web.config.file --verbose --probe.backend --probe.audit --btf.path --config.strict --log.level --log.format' ;;
    explain) words='--help --connect --pid --user --log.level --log.format' ;;
    scan) words='--help --json --log.level --log.format' ;;
    why) words='--help --since --follow --json --query.socket --records.store --log.level --log.format'$'\n'$("${COMP_WORDS[0]}" why --complete 2>/dev/null) ;;
    detach) words='--help --restart.pin-path --log.level --log.format' ;;
    demo) words='--help' ;;
    completion) words='--help bash zsh fish' ;;
    *) words='run trace check explain scan why detach demo completion --help --version --list-metrics' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _sockward sockward
