// The -F patterns of mosquitto_sub.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/received.h"

namespace sts::cli {

/// A pattern taken apart once, for all messages. The escapes are those of mosquitto_sub 2.0.11 with
/// their flags, widths and precisions; %s and %f are ours: the sender's name and fingerprint, blank
/// in the clear; so is %e: 1 if encrypted, else 0. Not the same as there, on purpose:
/// - %m is refused: a message id says nothing beyond the connection, and no message here has one.
/// - %x and %X cut to a width keep as many bytes as fit; there a payload of which all fits may lose
///   its second half. A '-' without a width appends no blanks to %p, %x and %X.
/// - @ with a letter that strftime does not know is refused; there it is printed.
/// - %A and %S are always blank: this client uses neither topic aliases nor subscription ids.
class Pattern {
 public:
  /// Errc::bad_input: names the place (from 1, in bytes) and what may stand there.
  static Result<Pattern> parse(std::string_view text);

  /// Times are local, of the moment that the message came. With `terminal`, what comes from the
  /// message is made safe to show; the pattern's own characters are not touched. Widths count
  /// bytes. Errc::bad_input where %J meets a payload that is not JSON: `out` is as before.
  Result<void> append(std::string& out, const client::Received& received, bool terminal) const;

 private:
  enum class Kind : char { literal, field, time };
  struct Piece {
    Kind kind = Kind::literal;
    char what = 0;  // the letter of a field or a time
    bool left = false;
    char pad = ' ';
    std::size_t width = 0;
    std::optional<std::size_t> precision;
    std::string text = {};  // of a literal
  };

  class Parser;
  class Writer;
  std::vector<Piece> pieces_;
};

}  // namespace sts::cli
