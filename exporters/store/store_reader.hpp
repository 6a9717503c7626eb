#pragma once
#include <string>

#include "store/query.hpp"

namespace sockward {

/// Answers from the file of the record store, which is opened for each question and never written. A question
/// takes two seconds at most. Thread-safe.
class StoreReader final : public RecordSource {
 public:
  explicit StoreReader(std::string path) : path_(std::move(path)) {}
  Result<Answer> answer(const Query& query) const override;
  const char* name() const override { return "store"; }

 private:
  std::string path_;
};

}  // namespace sockward
