#include "noise/pattern.h"

#include <array>

namespace sts::noise {
namespace {

using enum Token;

constexpr std::array own_static{s};

constexpr std::array message1{e};
constexpr std::array message2{e, ee, s, es};
constexpr std::array message3{s, se, psk};
constexpr std::array<std::span<const Token>, 3> messages{message1, message2, message3};

constexpr std::array only_message{psk, e, es, ss};
constexpr std::array<std::span<const Token>, 1> one_way{only_message};

}  // namespace

constinit const Pattern XXpsk3{"XXpsk3", {}, {}, messages, true};
constinit const Pattern Kpsk0{"Kpsk0", own_static, own_static, one_way, true};

}  // namespace sts::noise
