#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sts {

/// Lower-case hex, unbroken.
std::string to_hex(ByteView bytes);
/// Pairs of hex digits, of either case, and nothing else; Errc::bad_input otherwise.
Result<Bytes> from_hex(std::string_view text);

}  // namespace sts
