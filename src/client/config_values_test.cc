#include "client/config_values.h"

#include <gtest/gtest.h>

#include "client/test_config.h"

namespace sts::client {
namespace {

TEST_F(ConfigTest, BadValuesAreToldWithTheRemedy) {
  const std::string comment =
      "here '#' is part of the value: a comment stands on a line of its own";
  const std::string numbers = "a whole number from ";
  const std::string peers =
      "a key of 44 characters, a name from 'sts peer list', first-use or trusted";
  expect_errors({
      {nosec + "name = a b\n", ":4: name: 'a b' is not a valid name | 1 to 64 letters"},
      {nosec + "name = trusted\n", ":4: name: 'trusted' is not a valid name"},
      {nosec + "url =\n", ":4: url: '' is no host | the name or address"},
      {nosec + "url = http://h\n", ":4: url: 'http://h' is not the URL of a broker | mqtt://HOST"},
      {nosec + "url = h:1883\n", ":4: url: 'h:1883' is no host | "},
      {nosec + "port = 0\n", ":4: port: '0' is no value for it | " + numbers + "1 to 65535"},
      {nosec + "port = 65536\n", ":4: port: '65536' is no"},
      {nosec + "port = -1\n", ":4: port: '-1' is no"},
      {nosec + "port = 1883x\n", ":4: port: '1883x' is no"},
      {nosec + "port =\n", ":4: port: '' is no"},
      {nosec + "port = 99999999999999999999999\n", ":4: port: "},
      {topics + "sts_mode = mastre\n",
       ":3: sts_mode: 'mastre' is no value for it | one of nosec, master, slave"},
      {nosec + "aes =\n", ":4: aes: '' is no value for it | one of null, ecb, cbc"},
      {nosec + "aes = gcm\n", ":4: aes: 'gcm' is no value for it | one of null, ecb, cbc"},
      {legacy + "curve = p256\n",
       ":5: curve: 'p256' is no value for it | one of secp256k1, x25519"},
      {nosec + "timeout = 0\n", ":4: timeout: '0' is no value for it | " + numbers + "1 to 86400"},
      {nosec + "keepalive = 4\n",
       ":4: keepalive: '4' is no value for it | " + numbers + "5 to 65535"},
      {slave + "heartbeat = 86401\n", ":4: heartbeat: "},
      {slave + "rekey_after_messages = 0\n", ":4: rekey_after_messages: "},
      {slave + "rekey_after_messages = 1048577\n",
       ":4: rekey_after_messages: '1048577' is no value for it | " + numbers + "1 to 1048576"},
      {slave + "rekey_after_time = 0\n", ":4: rekey_after_time: "},
      {slave + "rekey_after_time = 3601\n",
       ":4: rekey_after_time: '3601' is no value for it | " + numbers + "1 to 3600"},
      {"subtop =\n", ":1: subtop: no topic given | name a topic"},
      {"pubtop =\n", ":1: pubtop: no topic given | name a topic"},
      {"subtop = a#\n", ":1: subtop: a wildcard where it may not be in 'a#' | '+' and '#'"},
      {"subtop = a/#/b\n", ":1: subtop: a wildcard where it may not be"},
      {"subtop = a+/b\n", ":1: subtop: a wildcard where it may not be"},
      {"pubtop = a/+\n", ":1: pubtop: a wildcard in 'a/+' | name one topic"},
      {slave + "bind_subtop = a/#\n", ":4: bind_subtop: a wildcard in 'a/#'"},
      {slave + "peer =\n", ":4: peer: '' is neither a key nor a name | " + peers},
      {slave + "peer = a,,b\n", ":4: peer: '' is neither a key nor a name | " + peers},
      {slave + "peer = a b\n", ":4: peer: 'a b' is neither a key nor a name | " + peers},
      {slave + "peer = " + key_text(1).substr(1) + "\n", ":4: peer: a key is 44 characters"},
      {slave + "peer = " + std::string(43, 'A') + "=\n",
       ":4: peer: this key is a point of small order, which is nobody's key | give what"},
      {slave + "peer = " + key_text(1) + " # pump\n",
       ":4: peer: a key is 44 characters of base64, this has 51 | " + comment},
      {slave + "peer = pump\t# the pump\n",
       ":4: peer: 'pump\t# the pump' is neither a key nor a name | " + comment},
      {slave + "port = 1883 # not TLS\n",
       ":4: port: '1883 # not TLS' is no value for it | " + comment},
      {slave + "peer = a, first-use\n", ":4: peer: first-use and trusted each stand alone"},
      {slave + "peer = trusted, first-use\n", ":4: peer: first-use and trusted each stand alone"},
      {slave + "peer = a, b, a\n", ":4: peer: 'a' is in the list twice"},
      {slave + "peer = " + key_text(1) + "," + key_text(1) + "\n", ":4: peer: '" + key_text(1)},
      {slave + "psk = short\n", ":4: psk: a key is 44 characters"},
      {slave + "psk = " + crypto::to_text(crypto::Secret<32>()) + "\n", ":4: psk: a psk of zeros"},
      {slave + "psk_file = absent\n", ":4: psk_file: there is no file " +
                                          (test_.root() / "absent").string() +
                                          " | the path counts"},
      {slave + "psk_file =\n", ":4: psk_file: " + test_.root().string() + "/ is a directory"},
  });
}

TEST(ConfigValues, EditDistance) {
  EXPECT_EQ(edit_distance("port", "port"), 0U);
  EXPECT_EQ(edit_distance("prot", "port"), 1U);
  EXPECT_EQ(edit_distance("por", "port"), 1U);
  EXPECT_EQ(edit_distance("", "port"), 4U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace sts::client
