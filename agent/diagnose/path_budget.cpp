#include "diagnose/path_budget.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.hpp"

namespace sockward {

PathBudget budget_of(std::string_view path, std::size_t limit) {
  PathBudget budget;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (end - start > budget.bytes) {
      budget.component = path.substr(start, end - start);
      budget.bytes = end - start;
    }
    start = end + 1;
  }
  const std::size_t rest = path.size() - budget.bytes;
  budget.may_have = rest < limit ? limit - rest : 0;
  return budget;
}

std::string budget_text(std::string_view path) {
  const PathBudget budget = budget_of(path);
  const std::string name = printable(budget.component).text;
  if (budget.may_have == 0)
    return fmt::format("the longest component, \"{}\", has {} bytes; even without it the path is too long",
                       name, budget.bytes);
  return fmt::format("the longest component, \"{}\", has {} bytes: at most {} fit", name, budget.bytes,
                     budget.may_have);
}

std::string shorten_advice() {
  return "use a shorter directory (TMPDIR, XDG_RUNTIME_DIR, the program's state directory) or a shorter "
         "name; or "
         "start the program in that directory with a relative path, bind-mount the directory to a short one, "
         "or use "
         "an abstract name";
}

}  // namespace sockward
