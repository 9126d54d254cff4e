#include "cli/commands.h"

#include "cli/help.h"

namespace sts::cli {

void add_commands(CLI::App& app, int& exit_code) {
  app.set_version_flag("--version", "sts " STS_VERSION);
  app.require_subcommand(0, 1);
  // As in mosquitto_pub, what stands later holds.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  add_pub_command(app, exit_code);
  add_sub_command(app, exit_code);
  add_rr_command(app, exit_code);
  add_ping_command(app, exit_code);
  add_bench_command(app, exit_code);
  add_outbox_command(app, exit_code);
  add_key_command(app, exit_code);
  add_peer_command(app, exit_code);
  add_invite_command(app, exit_code);
  add_join_command(app, exit_code);
  shape_help(app);
}

}  // namespace sts::cli
