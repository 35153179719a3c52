// expect: context_must_be_between_1_and_2_to_the_24<16777217(U?L)*>
#include "llama2/shape/memory_plan.hpp"

struct Shape {
  static constexpr std::size_t dim = 8, hidden_dim = 4, layers = 1, heads = 2, kv_heads = 1,
                               vocab = 8, context = 16777217;
};

template <llama2::ModelShape S>
struct Model {};

Model<Shape> model;
