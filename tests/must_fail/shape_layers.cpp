// expect: layers_must_be_between_1_and_1024<1025(U?L)*>
#include "llama2/shape/memory_plan.hpp"

struct Shape {
  static constexpr std::size_t dim = 8, hidden_dim = 4, layers = 1025, heads = 1, kv_heads = 1,
                               vocab = 8, context = 8;
};

template <llama2::ModelShape S>
struct Model {};

Model<Shape> model;
