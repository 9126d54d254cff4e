#include "shell/sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sts::shell {
namespace {

auto find(const std::vector<Sessions::Pointer>& all, std::string_view name) {
  return std::ranges::find_if(all, [&](const auto& it) { return it->name() == name; });
}

}  // namespace

Result<void> Sessions::add(Pointer session) {
  if (find(all_, session->name()) != all_.end()) {
    return fail(Errc::refused,
                fmt::format("a session called '{}' is started already", session->name()),
                fmt::format("'use {}' and 'stop' end it; the key name gives another name",
                            session->name()));
  }
  current_ = all_.emplace_back(std::move(session));
  return {};
}

void Sessions::remove(const Session& session) {
  if (is_current(session)) current_.reset();
  std::erase_if(all_, [&](const auto& it) { return it.get() == &session; });
}

Result<void> Sessions::use(std::string_view name) {
  const auto found = find(all_, name);
  if (found == all_.end()) {
    return fail(Errc::bad_input, fmt::format("there is no session '{}'", name),
                all_.empty() ? "'start CONFIG' or 'connect' opens one" : "there are: " + names());
  }
  current_ = *found;
  return {};
}

Error Sessions::no_current() const {
  if (all_.empty()) return {Errc::refused, "no session", "'start CONFIG' or 'connect' opens one"};
  return {Errc::refused, "no session is the current one", "'use NAME' picks one of " + names()};
}

std::string Sessions::names() const {
  std::string out;
  for (const auto& session : all_) out += (out.empty() ? "" : ", ") + session->name();
  return out;
}

}  // namespace sts::shell
