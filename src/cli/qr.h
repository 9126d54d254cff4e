// QR codes on a terminal.
#pragma once

#include <optional>
#include <string>

namespace sts::cli {

/// `text` as lines of half blocks, dark on light whatever the terminal's colours; nullopt where
/// libqrencode is not installed, or `text` is too long for a code.
std::optional<std::string> qr_code(const std::string& text);

}  // namespace sts::cli
