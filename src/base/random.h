// Randomness as the rooms see it: handed in, so that tests choose it.
#pragma once

#include "base/bytes.h"

namespace sts {

class Random {
 public:
  virtual ~Random() = default;
  /// Fills all of `out`. Never fails: a system without randomness ends the program.
  virtual void fill(MutableBytes out) = 0;
};

}  // namespace sts
