#include "cli/enrol_flags.h"

#include "cli/rights_flags.h"

namespace sts::cli {

void EnrolFlags::add_to(CLI::App& app) {
  app.add_option("--name", enrolment.name, "name of the other side here (peer-XXXX-XXXX)");
  add_rights(app, enrolment.rights);
  connection.add_to(app);
}

}  // namespace sts::cli
