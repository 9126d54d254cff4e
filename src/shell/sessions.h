// The sessions of the shell by name; one of them may be the current one.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "shell/session.h"

namespace sts::shell {

class Sessions {
 public:
  using Pointer = std::shared_ptr<Session>;

  /// It becomes the current one. Refused where the name is taken.
  Result<void> add(Pointer session);
  /// Where it was the current one, none is: another that took its place unasked would get what was
  /// meant for this one.
  void remove(const Session& session);
  Result<void> use(std::string_view name);

  /// nullptr: none.
  const Pointer& current() const { return current_; }
  bool is_current(const Session& session) const { return current_.get() == &session; }
  const std::vector<Pointer>& all() const { return all_; }
  /// That there is no current one, and what to do.
  Error no_current() const;

 private:
  std::string names() const;

  std::vector<Pointer> all_;
  Pointer current_;
};

}  // namespace sts::shell
