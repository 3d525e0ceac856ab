{
  "target_defaults": {
    "cflags": ["-Wall", "-Wextra", "-Werror", "-O2", "-g"],
    "include_dirs": ["native/include"]
  },
  "targets": [
    {
      "target_name": "pants",
      "sources": ["<!@(ls native/addon/*.cc)"],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions"],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-Wno-missing-field-initializers", "-Wno-cast-function-type"]
    },
    {
      "target_name": "libprex",
      "type": "none",
      "actions": [{
        "action_name": "build the shim",
        "inputs": ["native/shim/build.sh", "<!@(find native/shim native/include -type f)"],
        "outputs": ["<(PRODUCT_DIR)/libprex.so"],
        "action": ["sh", "native/shim/build.sh", "<(PRODUCT_DIR)/libprex.so"]
      }]
    },
    {
      "target_name": "prex",
      "type": "none",
      "actions": [{
        "action_name": "build the stand-in",
        "inputs": ["native/prex/build.sh", "<!@(find native/prex native/include -type f)"],
        "outputs": ["<(PRODUCT_DIR)/prex"],
        "action": ["sh", "native/prex/build.sh", "<(PRODUCT_DIR)/prex"]
      }]
    }
  ]
}
