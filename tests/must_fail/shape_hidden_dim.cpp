// expect: hidden_dim_must_be_between_1_and_2_to_the_20<0(U?L)*>
#include "llama2/shape/memory_plan.hpp"

struct Shape {
  static constexpr std::size_t dim = 8, hidden_dim = 0, layers = 1, heads = 1, kv_heads = 1,
                               vocab = 8, context = 8;
};

template <llama2::ModelShape S>
struct Model {};

Model<Shape> model;
