// sockward completion: what a shell completes, made from the command line itself, so that it cannot lag
// behind.
#include "cli/completion.hpp"

#include <CLI/CLI.hpp>

#include "base/precompiled.hpp"

namespace sockward {
namespace {

/// One long option of a command, as the shells need it.
struct Choice {
  std::string name;  ///< "--probe.backend"
  std::string description;
  bool takes_value = false, takes_file = false;
  std::string values;  ///< "auto fexit tracepoint", or empty
};

/// The members of "TEXT:{auto,fexit}", parted by spaces.
std::string members_of(const std::string& type) {
  const auto open = type.find('{'), close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return "";
  std::string members = type.substr(open + 1, close - open - 1);
  std::replace(members.begin(), members.end(), ',', ' ');
  return members;
}

std::vector<Choice> options_of(const CLI::App& command) {
  std::vector<Choice> choices;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    for (const std::string& name : option->get_lnames())
      choices.push_back({.name = "--" + name,
                         .description = option->get_description(),
                         .takes_value = option->get_items_expected_max() > 0,
                         .takes_file = name.ends_with(".file") || name == "output" ||
                                       name.ends_with("btf.path") || name.ends_with("pin-path"),
                         .values = members_of(option->get_type_name())});
  }
  return choices;
}

/// Has it an operand that the agent knows words for: what failed?
bool takes_what_failed(const CLI::App& command) {
  const auto options = command.get_options();
  return std::any_of(options.begin(), options.end(), [](const CLI::Option* option) {
    return option->get_positional() && option->get_type_name() == "FAILED";
  });
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string names_of(const std::vector<Choice>& choices) {
  std::string names;
  for (const Choice& choice : choices) names += (names.empty() ? "" : " ") + choice.name;
  return names;
}

std::string command_names(const CLI::App& app, char between) {
  std::string names;
  for (const CLI::App* command : commands_of(app))
    names += (names.empty() ? "" : std::string(1, between)) + command->get_name();
  return names;
}

/// 'text' for a shell; the descriptions hold no control characters.
std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'')
      result += "'\\''";
    else
      result += c;
  }
  return result + "'";
}

std::string bash(const CLI::App& app) {
  std::map<std::string, std::string> values;  // option: what completes it
  std::string words;
  for (const CLI::App* command : commands_of(app)) {
    const auto choices = options_of(*command);
    std::string offered = names_of(choices);
    for (const CLI::Option* option : command->get_options())
      if (const auto members = members_of(option->get_type_name());
          option->get_positional() && !members.empty())
        offered += " " + members;
    words += fmt::format(
        "    {}) words={}{} ;;\n", command->get_name(), shell_quoted(offered),
        takes_what_failed(*command) ? "$'\\n'$(\"${COMP_WORDS[0]}\" why --complete 2>/dev/null)" : "");
    for (const Choice& choice : choices) {
      if (!choice.values.empty()) values[choice.name] = "-W " + shell_quoted(choice.values);
      if (choice.takes_file) values[choice.name] = "-f";
    }
  }
  std::string cases;
  for (const auto& [name, how] : values)
    cases +=
        fmt::format("    {}) mapfile -t COMPREPLY < <(compgen {} -- \"$current\"); return ;;\n", name, how);
  return fmt::format(R"(# bash completion for sockward, made by: sockward completion bash
_sockward() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command='' word words
  # "=" is a word of its own in bash.
  if [ "$current" = '=' ]; then
    current=''
  elif [ "$previous" = '=' ]; then
    previous=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  # Behind "--" is a command line of its own.
  for ((word = 2; word < COMP_CWORD; word++)); do
    [ "${{COMP_WORDS[word]}}" = -- ] || continue
    if [ $((word + 1)) = "$COMP_CWORD" ]; then
      mapfile -t COMPREPLY < <(compgen -c -- "$current")
    else
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
    return
  done
  case $previous in
{}  esac
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $word in
    {}) command=$word && break ;;
    esac
  done
  case $command in
{}    *) words={} ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F _sockward sockward
)",
                     cases, command_names(app, '|'), words,
                     shell_quoted(command_names(app, ' ') + " " + names_of(options_of(app))));
}

/// For the text in brackets of an _arguments specification.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh(const CLI::App& app) {
  std::string commands, cases;
  for (const CLI::App* command : commands_of(app)) {
    commands +=
        "    " + shell_quoted(command->get_name() + ":" + zsh_text(command->get_description())) + "\n";
    cases += fmt::format("    {}) _arguments", command->get_name());
    if (takes_what_failed(*command))
      cases += " \\\n      \"1:subject:(${(f)$(sockward why --complete 2>/dev/null)})\"";
    for (const Choice& choice : options_of(*command)) {
      std::string text =
          choice.name + (choice.takes_value ? "=" : "") + "[" + zsh_text(choice.description) + "]";
      if (!choice.values.empty())
        text += ":value:(" + choice.values + ")";
      else if (choice.takes_file)
        text += ":file:_files";
      else if (choice.takes_value)
        text += ":value:";
      cases += " \\\n      " + shell_quoted(text);
    }
    if (command->get_name() == "trace") cases += " \\\n      '*:: :_normal'";  // behind --
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef sockward
# zsh completion for sockward, made by: sockward completion zsh
_sockward() {{
  local -a commands
  commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
}}
_sockward "$@"
)",
                     commands, cases);
}

std::string fish(const CLI::App& app) {
  std::string text =
      "# fish completion for sockward, made by: sockward completion fish\ncomplete -c sockward -f\n";
  for (const CLI::App* command : commands_of(app))
    text += fmt::format("complete -c sockward -n __fish_use_subcommand -a {} -d {}\n", command->get_name(),
                        shell_quoted(command->get_description()));
  for (const CLI::App* command : commands_of(app))
    if (takes_what_failed(*command))
      text += fmt::format(
          "complete -c sockward -n '__fish_seen_subcommand_from {0}' "
          "-a '(sockward {0} --complete 2>/dev/null)'\n",
          command->get_name());
  for (const CLI::App* command : commands_of(app))
    for (const Choice& choice : options_of(*command)) {
      text += fmt::format("complete -c sockward -n '__fish_seen_subcommand_from {}' -l {} -d {}",
                          command->get_name(), choice.name.substr(2), shell_quoted(choice.description));
      if (!choice.values.empty())
        text += " -x -a " + shell_quoted(choice.values);
      else if (choice.takes_value)
        text += choice.takes_file ? " -rF" : " -x";
      text += "\n";
    }
  return text;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
  if (shell == "zsh") return zsh(app);
  if (shell == "fish") return fish(app);
  return bash(app);
}

}  // namespace sockward
