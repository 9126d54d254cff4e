// A disk for SQLite that fails, is full, or loses power where a test wants it to.
#pragma once

#include <cstdint>
#include <string>

namespace sts::store {

struct DiskFaults {
  // The how-manieth call, from 1; 0: none.
  int write = 0, sync = 0;
  int error = 0;       // SQLITE_IOERR_WRITE, SQLITE_FULL...; of `write`
  int power_lost = 0;  // with this write, of which half reaches the disk, or nothing; so ends all
};

/// From now on, for all databases of the process; it counts from the first call again.
void inject(const DiskFaults& faults);
/// Writes since inject(), truncations among them.
int disk_writes();
int disk_syncs();
/// The machine is on again: of what was written after a file's last sync some is there and some
/// isn't, by `seed`; 0: nothing is. All databases have to be closed.
void restore_power(std::uint64_t seed);

}  // namespace sts::store
