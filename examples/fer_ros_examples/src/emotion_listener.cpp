// SPDX-License-Identifier: Apache-2.0
// Print what each face shows: label, confidence, and for how long it has been so.

#include <memory>

#include "fer_ros/msg/emotion_array.hpp"
#include "rclcpp/rclcpp.hpp"

namespace fer_ros_examples
{

class EmotionListener : public rclcpp::Node
{
public:
  EmotionListener()
  : Node("emotion_listener")
  {
    // Reliable, as the classifier publishes. The name is relative: remap it, or start this node in
    // the camera's namespace.
    subscription_ = create_subscription<fer_ros::msg::EmotionArray>(
      "emotions", rclcpp::QoS(10),
      [this](const fer_ros::msg::EmotionArray & message) {on_emotions(message);});
  }

private:
  void on_emotions(const fer_ros::msg::EmotionArray & message)
  {
    // One array comes for every image, also when nobody is there.
    if (message.emotions.empty()) {
      RCLCPP_INFO(get_logger(), "nobody");
    }
    for (const auto & face : message.emotions) {
      RCLCPP_INFO(
        get_logger(), "face %u: %s, confidence %.2f, for %.1f s", face.track_id,
        face.label.c_str(), face.confidence, rclcpp::Duration(face.state_duration).seconds());
    }
  }

  rclcpp::Subscription<fer_ros::msg::EmotionArray>::SharedPtr subscription_;
};

}  // namespace fer_ros_examples

int main(int argc, char ** argv)
{
  rclcpp::init(argc, argv);
  rclcpp::spin(std::make_shared<fer_ros_examples::EmotionListener>());
  rclcpp::shutdown();
  return 0;
}
