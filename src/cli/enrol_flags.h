// What sts invite and sts join have in common: what is stored of the other side, and the broker.
#pragma once

#include <CLI/App.hpp>

#include "cli/connection_flags.h"
#include "client/invite.h"

namespace sts::cli {

struct EnrolFlags {
  client::Enrolment enrolment;
  ConnectionFlags connection;

  /// To `app`, which must not outlive this.
  void add_to(CLI::App& app);
};

}  // namespace sts::cli
