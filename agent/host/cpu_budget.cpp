#include "host/cpu_budget.hpp"

namespace sockward {
namespace {

/// One error, in words for operators: "scan open sockets: skipped, CPU budget (10 %) exhausted".
class BudgetCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sockward.budget"; }
  std::string message(int) const override { return "skipped, CPU budget (10 %) exhausted"; }
  std::error_condition default_error_condition(int) const noexcept override {
    return std::make_error_condition(std::errc::resource_unavailable_try_again);
  }
};

}  // namespace

Error budget_exhausted(std::string operation) {
  static_assert(CpuBudget::kShare == 10, "the message says how much");
  static const BudgetCategory category;
  return {std::error_code(1, category), std::move(operation)};
}

}  // namespace sockward
