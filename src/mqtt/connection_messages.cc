// What goes through a connection that is up, and libmosquitto's callbacks.
#include <fmt/format.h>
#include <mqtt_protocol.h>

#include "mqtt/connection_tell.h"
#include "mqtt/errors.h"
#include "mqtt/packet_size.h"

namespace sts::mqtt {
namespace {

bool is_bad_topic(int outcome) {
  return outcome == MOSQ_ERR_INVAL || outcome == MOSQ_ERR_MALFORMED_UTF8;
}

Connected what_connack_said(const Options& asked, const mosquitto_property* list) {
  Connected out;
  out.assigned_client_id = read_string(list, MQTT_PROP_ASSIGNED_CLIENT_IDENTIFIER);
  out.maximum_packet_size = read_int32(list, MQTT_PROP_MAXIMUM_PACKET_SIZE, 0);
  out.receive_maximum = read_int16(list, MQTT_PROP_RECEIVE_MAXIMUM, 65535);
  out.topic_alias_maximum = read_int16(list, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, 0);
  out.maximum_qos = static_cast<Qos>(read_byte(list, MQTT_PROP_MAXIMUM_QOS, 2));
  out.retain_available = read_byte(list, MQTT_PROP_RETAIN_AVAILABLE, 1) != 0;
  out.wildcards_available = read_byte(list, MQTT_PROP_WILDCARD_SUB_AVAILABLE, 1) != 0;
  out.shared_available = read_byte(list, MQTT_PROP_SHARED_SUB_AVAILABLE, 1) != 0;
  out.keep_alive = std::chrono::seconds(
      read_int16(list, MQTT_PROP_SERVER_KEEP_ALIVE, keep_alive_seconds(asked)));
  const bool told = asked.version == Version::v3_1_1 || !asked.socks5;
  out.session_expiry = std::chrono::seconds(
      read_int32(list, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                 told ? static_cast<std::uint32_t>(asked.session_expiry.count()) : 0));
  return out;
}

}  // namespace

void Connection::set_callbacks() {
  mosquitto* handle = handle_.get();
  mosquitto_connect_v5_callback_set(handle, [](mosquitto*, void* self, int reason, int flags,
                                               const mosquitto_property* properties) {
    static_cast<Connection*>(self)->on_connect(reason, flags, properties);
  });
  mosquitto_disconnect_v5_callback_set(
      handle, [](mosquitto*, void* self, int reason, const mosquitto_property*) {
        static_cast<Connection*>(self)->end_ = reason;
      });
  mosquitto_message_v5_callback_set(
      handle, [](mosquitto*, void* self, const mosquitto_message* message,
                 const mosquitto_property* properties) {
        static_cast<Connection*>(self)->on_message(*message, properties);
      });
  mosquitto_publish_v5_callback_set(
      handle, [](mosquitto*, void* self, int packet_id, int reason, const mosquitto_property*) {
        static_cast<Connection*>(self)->on_publish(packet_id, reason);
      });
  mosquitto_subscribe_callback_set(
      handle, [](mosquitto*, void* self, int packet_id, int count, const int* granted) {
        const int reason = count > 0 ? granted[0] : MQTT_RC_UNSPECIFIED;
        static_cast<Connection*>(self)->on_subscribe(packet_id, reason);
      });
  mosquitto_unsubscribe_v5_callback_set(
      handle, [](mosquitto*, void* self, int packet_id, const mosquitto_property*) {
        static_cast<Connection*>(self)->on_unsubscribe(packet_id);
      });
}

void Connection::subscribe(const Subscription& wanted) {
  if (state_ != State::up) return;
  int packet_id = 0;
  int bits = 0;
  if (options_.version == Version::v5) {
    // A shared subscription with No Local is a protocol error (MQTT 5, section 3.8.3.1).
    const bool shared = wanted.filter.starts_with("$share/");
    if (wanted.no_local && !shared) bits |= MQTT_SUB_OPT_NO_LOCAL;
    if (wanted.retain_as_published) bits |= MQTT_SUB_OPT_RETAIN_AS_PUBLISHED;
    bits |= static_cast<int>(wanted.retained) << 4U;
  }
  const int outcome = mosquitto_subscribe_v5(handle_.get(), &packet_id, wanted.filter.c_str(),
                                             static_cast<int>(wanted.qos), bits, nullptr);
  if (is_bad_topic(outcome)) {
    Error why{Errc::bad_input, fmt::format("'{}' is not a topic to subscribe to", wanted.filter),
              "+ and # stand for whole levels, # only at the end"};
    return tell([filter = wanted.filter, why](Handler& handler) {
      handler.on_subscribed(filter, tl::unexpected<Error>(why));
    });
  }
  subscribing_[packet_id] = wanted.filter;
  after_call();
}

void Connection::unsubscribe(const std::string& filter) {
  if (state_ != State::up) return;
  int packet_id = 0;
  const int outcome = mosquitto_unsubscribe_v5(handle_.get(), &packet_id, filter.c_str(), nullptr);
  if (is_bad_topic(outcome)) {
    Error why{Errc::bad_input, fmt::format("'{}' is not a topic filter", filter)};
    return tell([filter, why](Handler& handler) {
      handler.on_unsubscribed(filter, tl::unexpected<Error>(why));
    });
  }
  unsubscribing_[packet_id] = filter;
  after_call();
}

/// The packet identifier. At QoS 0 an alias stands for a topic that went before; a message that may
/// be sent again on another connection can't have one (MQTT 5, section 3.3.2.3.4).
Result<int> Connection::hand_over(const Message& message) {
  PropertyList list;
  const char* topic = message.topic.c_str();
  if (options_.version == Version::v5) {
    auto made = to_list(message.properties);
    if (!made) return tl::unexpected<Error>(made.error());
    list = std::move(*made);
    if (message.qos == Qos::at_most_once) {
      const auto known = topic_aliases_.find(message.topic);
      if (known != topic_aliases_.end()) {
        add_int16(list, MQTT_PROP_TOPIC_ALIAS, known->second);
        topic = nullptr;
      } else if (topic_aliases_.size() < broker_.topic_alias_maximum) {
        const auto alias = static_cast<std::uint16_t>(topic_aliases_.size() + 1);
        add_int16(list, MQTT_PROP_TOPIC_ALIAS, alias);
        topic_aliases_.emplace(message.topic, alias);
      }
    }
  }
  int packet_id = 0;
  const int outcome =
      message.payload.size() > MQTT_MAX_PAYLOAD
          ? MOSQ_ERR_PAYLOAD_SIZE
          : mosquitto_publish_v5(handle_.get(), &packet_id, topic,
                                 static_cast<int>(message.payload.size()), message.payload.data(),
                                 static_cast<int>(message.qos), message.retain, list.get());
  if (outcome == MOSQ_ERR_SUCCESS) return packet_id;
  if (topic != nullptr) topic_aliases_.erase(message.topic);
  return tl::unexpected<Error>(publish_error(options_, message.topic, outcome));
}

Result<void> Connection::publish(PublishId id, const Message& message) {
  if (state_ != State::up) {
    return fail(Errc::io, fmt::format("not connected to {}", where(options_)));
  }
  if (auto fits = check_packet_size(message.topic.size(), message.payload.size(), message.qos,
                                    options_.version, broker_.maximum_packet_size);
      !fits) {
    return fits;
  }
  publishing_ = id;
  const auto packet_id = hand_over(message);
  const bool answered = std::exchange(publishing_, 0) == 0;
  if (packet_id && !answered) unanswered_[*packet_id] = id;
  after_call();
  if (packet_id) return {};
  return tl::unexpected<Error>(packet_id.error());
}

void Connection::on_connect(int reason, int flags, const mosquitto_property* properties) {
  connack_ = reason;
  if (reason != 0) return;
  state_ = State::up;
  deadline_.cancel();
  const bool resumed = broker_.resumed;
  broker_ = what_connack_said(options_, properties);
  broker_.version = options_.version;
  broker_.session_present = (static_cast<unsigned>(flags) & 1U) != 0;
  broker_.resumed = resumed;
  if (broker_.keep_alive.count() != 0) {
    // A broker waits 1.5 times as long (MQTT 5, section 3.1.2.10): a quarter late is soon enough.
    misc_period_ = std::chrono::milliseconds(250) * broker_.keep_alive.count();
    wait_misc();
  }
  tell([broker = broker_](Handler& handler) { handler.on_connected(broker); });
}

void Connection::on_message(const mosquitto_message& message,
                            const mosquitto_property* properties) {
  const auto* data = static_cast<const std::uint8_t*>(message.payload);
  Message copy{message.topic, Bytes(data, data + message.payloadlen), static_cast<Qos>(message.qos),
               message.retain, from_list(properties)};
  const std::size_t one = options_.acknowledge_when_taken && message.qos == 1 ? 1 : 0;
  untaken_ += one;
  tell([this, one, copy = std::move(copy)](Handler& handler) mutable {
    told_ += one;
    handler.on_message(std::move(copy));
  });
}

void Connection::on_publish(int packet_id, int reason) {
  auto found = unanswered_.extract(packet_id);
  const PublishId id = found ? found.mapped() : std::exchange(publishing_, 0);
  if (id == 0) return;
  Result<void> outcome;
  if (reason >= MQTT_RC_UNSPECIFIED) outcome = tl::unexpected<Error>(puback_error(reason));
  tell([id, outcome](Handler& handler) { handler.on_published(id, outcome); });
}

void Connection::on_subscribe(int packet_id, int reason) {
  auto found = subscribing_.extract(packet_id);
  if (!found) return;
  Result<Qos> granted = static_cast<Qos>(reason);
  if (reason > static_cast<int>(Qos::exactly_once)) {
    granted = tl::unexpected<Error>(suback_error(found.mapped(), reason));
  }
  tell([filter = found.mapped(), granted](Handler& handler) {
    handler.on_subscribed(filter, granted);
  });
}

void Connection::on_unsubscribe(int packet_id) {
  auto found = unsubscribing_.extract(packet_id);
  if (!found) return;
  tell([filter = found.mapped()](Handler& handler) { handler.on_unsubscribed(filter, {}); });
}

}  // namespace sts::mqtt
