#include "noise/pattern.h"

#include <array>

namespace sts::noise {
namespace {

using enum Token;

constexpr std::array message1{e};
constexpr std::array message2{e, ee, s, es};
constexpr std::array message3{s, se, psk};
constexpr std::array<std::span<const Token>, 3> messages{message1, message2, message3};

}  // namespace

constinit const Pattern XXpsk3{"XXpsk3", {}, {}, messages, true};

}  // namespace sts::noise
