// One Result for all rooms: a value, or an error that a person understands.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sts {

enum class Errc {
  bad_input,  // what a person wrote: a command line, a config, a key
  malformed,  // bytes from outside that are not what they claim to be
  refused,    // authentication or authorisation said no
  repeated,   // authentic, and seen before
  limit,      // a bound was reached: size, count, age, patience
  io,         // the operating system, the network or the broker said no
};

/// What went wrong. `message` is one sentence without a full stop; `hint`, which may be empty, says
/// how to mend it.
struct Error {
  Errc code;
  std::string message;
  std::string hint = {};
};

/// Both parts, for a log.
inline std::string one_line(const Error& error) {
  return error.hint.empty() ? error.message : error.message + " (" + error.hint + ")";
}

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(hint)});
}

}  // namespace sts
