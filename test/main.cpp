#define BOOST_TEST_MODULE skerry
#include <boost/test/unit_test.hpp>
