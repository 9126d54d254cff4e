#include "store/home.h"

#include <cstdlib>

namespace sts::store {

Result<Home> Home::from_environment() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  if (auto directory = variable("STS_HOME"); !directory.empty()) return Home(std::move(directory));
  // The XDG base directory specification has relative paths ignored.
  if (auto config = variable("XDG_CONFIG_HOME"); config.is_absolute()) return Home(config / "sts");
  if (auto home = variable("HOME"); !home.empty()) return Home(home / ".config" / "sts");
  return fail(Errc::bad_input, "no place for the identity: HOME is not set",
              "set STS_HOME to a directory of your own");
}

}  // namespace sts::store
