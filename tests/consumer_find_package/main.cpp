// A program of another project, the same for every way of finding the library.
#include <llama2/llama2.hpp>

#include <cstdio>

struct MyShape : llama2::Stories260K {
  static constexpr std::size_t layers = 2;
};
using MyModel = llama2::Model<MyShape, llama2::BF16>;

int main() {
  const auto model = llama2::make_random_model<MyModel>(1);
  MyModel::Sequence sequence(std::make_shared<MyModel::Pool>(1), 1);
  const MyModel::Row row{.token = 1, .position = 0, .sequence = &sequence, .wants_logits = true};
  llama2::Workspace<MyShape> workspace(1);
  std::vector<float> logits(MyShape::vocab);
  model.forward({&row, 1}, workspace, logits);
  std::printf("llama2 %s: %s, %zu bytes of weights, first logit %g\n", llama2::version_string,
              MyModel::name().c_str(), MyModel::memory.weights(), static_cast<double>(logits[0]));
  return logits[0] == 0.0f;
}
