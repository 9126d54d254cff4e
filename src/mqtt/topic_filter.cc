#include "mqtt/topic_filter.h"

#include <mosquitto.h>

namespace sts::mqtt {

bool topic_matches(const std::string& filter, const std::string& topic) {
  bool matches = false;
  return mosquitto_topic_matches_sub(filter.c_str(), topic.c_str(), &matches) == MOSQ_ERR_SUCCESS &&
         matches;
}

}  // namespace sts::mqtt
