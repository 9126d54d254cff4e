// base64url (RFC 4648, section 5) without padding, in constant time for equal lengths.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sts::crypto {

std::string to_base64url(ByteView bytes);
/// nullopt for anything else; of all bytes there is one form only. The caller wipes what is secret.
std::optional<Bytes> from_base64url(std::string_view text);

}  // namespace sts::crypto
