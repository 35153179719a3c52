// expect: kv_heads_must_be_at_least_1<0(U?L)*>
#include "llama2/shape/memory_plan.hpp"

struct Shape {
  static constexpr std::size_t dim = 8, hidden_dim = 4, layers = 1, heads = 2, kv_heads = 0,
                               vocab = 8, context = 8;
};

template <llama2::ModelShape S>
struct Model {};

Model<Shape> model;
