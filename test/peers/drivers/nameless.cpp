// A shared object that is no driver.
extern "C" int anything() { return 1; }
