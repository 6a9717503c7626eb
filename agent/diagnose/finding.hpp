#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "record/diagnosis.hpp"

namespace sockward {

/// How a fact is known to be true of the moment of the call (docs/adr/0011-facts-have-a-time.md).
enum class Proof {
  at_call,    ///< in the record: read by the kernel side while the call returned
  unchanged,  ///< looked up later, and shown to be what it was when the call returned
  later       ///< looked up later; it may have changed since the call
};

/// Whether something that was looked up was so at the call. `doubt`: why that is not proven; printable.
struct Standing {
  Proof proof = Proof::at_call;
  std::string doubt;

  static Standing at_call() { return {}; }
  static Standing unchanged() { return {Proof::unchanged, {}}; }
  static Standing later(std::string why) { return {Proof::later, std::move(why)}; }
  bool proven() const { return proof != Proof::later; }
  /// Both are needed: as good as the weaker one.
  Standing operator&&(const Standing& other) const { return other.proof > proof ? other : *this; }
};

/// One observation that speaks for a cause. The text is true as written, whatever its standing.
struct Evidence {
  std::string text;  ///< printable
  Standing standing;
  bool remark = false;  ///< worth reading, but the cause does not rest on it

  Evidence(std::string said, Standing known = {}, bool only_remark = false)
      : text(std::move(said)), standing(std::move(known)), remark(only_remark) {}
  static Evidence note(std::string said) { return {std::move(said), {}, true}; }
};

/// What a rule concludes: a cause and what it rests on. The engine turns it into a Diagnosis and computes how
/// sure it is; a rule cannot.
struct Finding {
  Cause cause = Cause::unknown;
  std::vector<Evidence> evidence;
  /// What else leaves exactly this evidence; printable. Empty: nothing can. Not empty: likely at most.
  std::string alternative;
  std::string advice;
  std::optional<Holder> holder;
  std::string name;                 ///< as in Diagnosis
  bool flap = false;                ///< as in Diagnosis
  std::string policy;               ///< as in Diagnosis
  std::string policy_profile = {};  ///< as in Diagnosis

  void note(std::string said) { evidence.push_back(Evidence::note(std::move(said))); }
};

/// As sure as its evidence: certain when all that the cause rests on is proven for the moment of the call and
/// nothing else leaves the same evidence.
Confidence confidence_of(const Finding& finding);
Diagnosis to_diagnosis(Finding finding);

}  // namespace sockward
