// The tests' precompiled header: what the project's has, and the test library, in which they spend most of
// their compile time. Nothing of ours.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../agent/base/precompiled.hpp"
