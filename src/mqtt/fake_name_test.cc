// getaddrinfo() of this executable: the one of libc, but for the names of living FakeName objects.
#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <mutex>

#include "mqtt/test_support.h"

namespace sts::mqtt {
namespace {

struct Fake {
  std::mutex mutex;
  std::condition_variable changed;
  std::string name;
  std::vector<std::string> addresses;
  int asked = 0;
  int released = 0;
};
// Never destroyed: a forgotten thread may wait there when the process exits.
Fake& fake = *new Fake;

}  // namespace

FakeName::FakeName(std::string name, std::vector<std::string> addresses) {
  std::lock_guard lock(fake.mutex);
  fake.name = std::move(name);
  fake.addresses = std::move(addresses);
  fake.asked = 0;
}

FakeName::~FakeName() {
  std::lock_guard lock(fake.mutex);
  fake.name.clear();
  ++fake.released;
  fake.changed.notify_all();
}

void FakeName::wait_asked() {
  std::unique_lock lock(fake.mutex);
  fake.changed.wait(lock, [] { return fake.asked > 0; });
}

namespace {

using GetAddrInfo = int(const char*, const char*, const addrinfo*, addrinfo**);

int fake_lookup(GetAddrInfo* real, const char* node, const char* service, const addrinfo* hints,
                addrinfo** result) {
  std::vector<std::string> addresses;
  {
    std::unique_lock lock(fake.mutex);
    if (node == nullptr || fake.name != node) return real(node, service, hints, result);
    ++fake.asked;
    fake.changed.notify_all();
    addresses = fake.addresses;
    if (addresses.empty()) {
      fake.changed.wait(lock, [released = fake.released] { return fake.released != released; });
      return EAI_AGAIN;
    }
  }
  *result = nullptr;
  addrinfo** end = result;
  for (const auto& address : addresses) {
    if (const int error = real(address.c_str(), service, hints, end)) return error;
    while (*end != nullptr) end = &(*end)->ai_next;
  }
  return 0;
}

}  // namespace
}  // namespace sts::mqtt

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  static auto* real = reinterpret_cast<sts::mqtt::GetAddrInfo*>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return sts::mqtt::fake_lookup(real, node, service, hints, result);
}
