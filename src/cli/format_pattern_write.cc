#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cli/format_bytes.h"
#include "cli/format_json.h"
#include "cli/format_pattern.h"

namespace sts::cli {

class Pattern::Writer {
 public:
  Writer(std::string& out, const client::Received& received, bool terminal)
      : out_(out), received_(received), terminal_(terminal) {}

  /// False where the payload had to be JSON and is not.
  bool field(const Piece& piece) {
    const auto& message = received_.message;
    const auto& properties = message.properties;
    switch (piece.what) {
      case 'A':
      case 'S':
        return blank(piece);
      case 'C':
        return text(piece, properties.content_type);
      case 'D':
        return word(as_text(properties.correlation_data));
      case 'E':
        return properties.message_expiry ? number(piece, properties.message_expiry->count())
                                         : blank(piece);
      case 'F':
        return properties.payload_is_utf8 ? number(piece, 1) : blank(piece);
      case 'I':
        return text(piece, strftime("%FT%T%z"));
      case 'J':
      case 'j':
        return append_mosquitto_json(out_, received_, piece.what == 'J', terminal_);
      case 'P':
        return user_properties();
      // Unlike the content type, its absence leaves no blanks.
      case 'R':
        return properties.response_topic.empty() || text(piece, properties.response_topic);
      case 'U':
        fmt::format_to(std::back_inserter(out_), "{}.{:09}", local().seconds, local().nanoseconds);
        return true;
      case 'e':
        return number(piece, received_.encrypted ? 1 : 0);
      case 'f':
        return text(piece, received_.sender_fingerprint);
      case 'l':
        return number(piece, static_cast<std::int64_t>(message.payload.size()));
      case 'q':
        out_ += static_cast<char>('0' + static_cast<int>(message.qos));
        return true;
      case 'r':
        out_ += message.retain ? '1' : '0';
        return true;
      case 's':
        return text(piece, received_.sender);
      case 't':
        return text(piece, message.topic);
      default:
        return payload(piece);
    }
  }

  void time(char what) {
    if (what == 'N') {
      fmt::format_to(std::back_inserter(out_), "{:09}", local().nanoseconds);
    } else {
      const char conversion[] = {'%', what, '\0'};
      out_ += strftime(conversion);
    }
  }

 private:
  const LocalTime& local() {
    if (!local_) local_ = local_time(received_.at);
    return *local_;
  }

  std::string strftime(const char* conversion) {
    char text[100];
    return {text, std::strftime(text, sizeof text, conversion, &local().parts)};
  }

  bool blank(const Piece& piece) {
    out_.append(piece.width, piece.pad);
    return true;
  }

  bool word(std::string_view text) {
    append_word(out_, text, terminal_);
    return true;
  }

  /// What was appended from `start` on gets to its width.
  bool pad(std::size_t start, const Piece& piece, char left_pad) {
    const std::size_t size = out_.size() - start;
    if (size >= piece.width) return true;
    if (piece.left) {
      out_.append(piece.width - size, ' ');
    } else {
      out_.insert(start, piece.width - size, left_pad);
    }
    return true;
  }

  bool number(const Piece& piece, std::int64_t value) {
    const std::size_t start = out_.size();
    fmt::format_to(std::back_inserter(out_), "{}", value);
    return pad(start, piece, piece.pad);
  }

  bool text(const Piece& piece, std::string_view value) {
    const std::size_t start = out_.size();
    word(value);
    if (piece.precision) out_.resize(std::min(out_.size(), start + *piece.precision));
    return pad(start, piece, ' ');
  }

  bool payload(const Piece& piece) {
    const std::size_t start = out_.size();
    const ByteView bytes = received_.message.payload;
    if (piece.what == 'p') {
      append_lines(out_, as_text(bytes), terminal_);
      if (piece.width > 0) out_.resize(std::min(out_.size(), start + piece.width));
    } else {
      const std::size_t most = piece.width > 0 ? piece.width / 2 : bytes.size();
      append_hex(out_, bytes.first(std::min(bytes.size(), most)), piece.what == 'X');
    }
    return pad(start, piece, piece.pad);
  }

  bool user_properties() {
    const char* gap = "";
    for (const auto& [name, value] : received_.message.properties.user_properties) {
      out_ += gap;
      word(name);
      out_ += ':';
      word(value);
      gap = " ";
    }
    return true;
  }

  std::string& out_;
  const client::Received& received_;
  bool terminal_;
  std::optional<LocalTime> local_;
};

Result<void> Pattern::append(std::string& out, const client::Received& received,
                             bool terminal) const {
  const std::size_t before = out.size();
  Writer writer(out, received, terminal);
  for (const auto& piece : pieces_) {
    if (piece.kind == Kind::literal) {
      out += piece.text;
    } else if (piece.kind == Kind::time) {
      writer.time(piece.what);
    } else if (!writer.field(piece)) {
      out.resize(before);
      return fail(Errc::bad_input,
                  fmt::format("the payload on {} is not JSON", printable(received.message.topic)),
                  "use %j in place of %J: it quotes the payload");
    }
  }
  return {};
}

}  // namespace sts::cli
