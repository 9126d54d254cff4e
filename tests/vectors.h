// Test vectors that are published elsewhere and not part of this repository.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace sts {

/// The JSON file `name` below the directory that the environment variable STS_VECTORS names, by
/// default
/// ../shared/vectors beside the source tree; none where there is no such file.
inline std::optional<nlohmann::json> load_vectors(const std::string& name) {
  const char* chosen = std::getenv("STS_VECTORS");
  const auto directory = chosen != nullptr
                             ? std::filesystem::path(chosen)
                             : std::filesystem::path(STS_SOURCE_DIR) / "../shared/vectors";
  std::ifstream file(directory / name);
  if (!file) return std::nullopt;
  return nlohmann::json::parse(file);
}

}  // namespace sts

/// Skips the test where load_vectors(name) found no file.
#define STS_SKIP_WITHOUT(vectors, name)                                            \
  if (!(vectors))                                                                  \
  GTEST_SKIP() << (name)                                                           \
               << " is not there; set STS_VECTORS to the directory with the test " \
                  "vectors to run this test"
