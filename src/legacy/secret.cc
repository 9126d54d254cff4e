#include "legacy/secret.h"

#include <mbedtls/platform_util.h>

namespace sts::legacy {

void Secret::wipe() { mbedtls_platform_zeroize(bytes_.data(), bytes_.size()); }

}  // namespace sts::legacy
