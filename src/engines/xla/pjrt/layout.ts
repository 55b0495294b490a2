/**
 * @file The memory layout of the PJRT C API: structure sizes and field positions, and the place of each entry in its table.
 * Taken from the public header `xla/pjrt/c/pjrt_c_api.h`; the API only ever appends, so newer libraries read it too.
 */

/** The API's version that the layout was read from, and the oldest whose structures are as long as is needed. */
export const API_VERSION = { major: 0, oldestMinor: 81 } as const;

/** Where the table itself keeps its size and version: [offset, bytes]. */
export const TABLE_HEADER = { size: [0, 8], major: [32, 4], minor: [36, 4] } as const;

/** Byte offset of each entry used, in the function table. */
export const ENTRIES = {
  Error_Destroy: 40,
  Error_Message: 48,
  Error_GetCode: 56,
  Plugin_Initialize: 64,
  Event_Destroy: 80,
  Event_IsReady: 88,
  Event_Await: 104,
  Client_Create: 120,
  Client_Destroy: 128,
  Client_PlatformName: 136,
  Client_PlatformVersion: 152,
  Client_ProcessIndex: 144,
  Client_Devices: 160,
  Client_Compile: 200,
  Client_BufferFromHostBuffer: 216,
  DeviceDescription_Id: 224,
  DeviceDescription_ProcessIndex: 232,
  DeviceDescription_Kind: 248,
  Device_GetDescription: 272,
  Device_IsAddressable: 280,
  Device_MemoryStats: 312,
  Executable_Destroy: 360,
  Executable_NumOutputs: 392,
  Executable_OptimizedProgram: 424,
  Executable_GetCompiledMemoryStats: 808,
  LoadedExecutable_Destroy: 440,
  LoadedExecutable_GetExecutable: 448,
  LoadedExecutable_Execute: 480,
  Buffer_Destroy: 504,
  Buffer_ToHostBuffer: 600,
} as const;

/** An entry of the function table. */
export type Entry = keyof typeof ENTRIES;

/** Of each structure: its size as `struct_size` reports it, and [offset, bytes] of its fields. */
export const STRUCTS = {
  Error_Destroy_Args: { size: 24, fields: { error: [16, 8] } },
  Error_Message_Args: {
    size: 40,
    fields: { error: [16, 8], message: [24, 8], message_size: [32, 8] },
  },
  Error_GetCode_Args: { size: 28, fields: { error: [16, 8], code: [24, 4] } },
  Plugin_Initialize_Args: { size: 16, fields: {} },
  Event_Destroy_Args: { size: 24, fields: { event: [16, 8] } },
  Event_IsReady_Args: { size: 25, fields: { event: [16, 8], is_ready: [24, 1] } },
  Event_Await_Args: { size: 24, fields: { event: [16, 8] } },
  Client_Create_Args: {
    size: 88,
    fields: {
      create_options: [16, 8],
      num_options: [24, 8],
      kv_get_callback: [32, 8],
      kv_get_user_arg: [40, 8],
      kv_put_callback: [48, 8],
      kv_put_user_arg: [56, 8],
      client: [64, 8],
      kv_try_get_callback: [72, 8],
      kv_try_get_user_arg: [80, 8],
    },
  },
  KeyValueGetCallback_Args: {
    size: 80,
    fields: {
      key: [16, 8],
      key_size: [24, 8],
      timeout_in_ms: [32, 4],
      callback_error: [40, 8],
      user_arg: [48, 8],
      value: [56, 8],
      value_size: [64, 8],
      value_deleter_callback: [72, 8],
    },
  },
  KeyValueTryGetCallback_Args: {
    size: 72,
    fields: {
      key: [16, 8],
      key_size: [24, 8],
      callback_error: [32, 8],
      user_arg: [40, 8],
      value: [48, 8],
      value_size: [56, 8],
      value_deleter_callback: [64, 8],
    },
  },
  KeyValuePutCallback_Args: {
    size: 64,
    fields: {
      key: [16, 8],
      key_size: [24, 8],
      value: [32, 8],
      value_size: [40, 8],
      callback_error: [48, 8],
      user_arg: [56, 8],
    },
  },
  Client_Destroy_Args: { size: 24, fields: { client: [16, 8] } },
  Client_PlatformName_Args: {
    size: 40,
    fields: { client: [16, 8], platform_name: [24, 8], platform_name_size: [32, 8] },
  },
  Client_PlatformVersion_Args: {
    size: 40,
    fields: { client: [16, 8], platform_version: [24, 8], platform_version_size: [32, 8] },
  },
  Client_ProcessIndex_Args: { size: 28, fields: { client: [16, 8], process_index: [24, 4] } },
  Client_Devices_Args: {
    size: 40,
    fields: { client: [16, 8], devices: [24, 8], num_devices: [32, 8] },
  },
  Client_Compile_Args: {
    size: 56,
    fields: {
      client: [16, 8],
      program: [24, 8],
      compile_options: [32, 8],
      compile_options_size: [40, 8],
      executable: [48, 8],
    },
  },
  Client_BufferFromHostBuffer_Args: {
    size: 120,
    fields: {
      client: [16, 8],
      data: [24, 8],
      type: [32, 4],
      dims: [40, 8],
      num_dims: [48, 8],
      byte_strides: [56, 8],
      num_byte_strides: [64, 8],
      host_buffer_semantics: [72, 4],
      device: [80, 8],
      memory: [88, 8],
      device_layout: [96, 8],
      done_with_host_buffer: [104, 8],
      buffer: [112, 8],
    },
  },
  DeviceDescription_Id_Args: {
    size: 28,
    fields: { device_description: [16, 8], id: [24, 4] },
  },
  DeviceDescription_ProcessIndex_Args: {
    size: 28,
    fields: { device_description: [16, 8], process_index: [24, 4] },
  },
  DeviceDescription_Kind_Args: {
    size: 40,
    fields: { device_description: [16, 8], device_kind: [24, 8], device_kind_size: [32, 8] },
  },
  Device_GetDescription_Args: {
    size: 32,
    fields: { device: [16, 8], device_description: [24, 8] },
  },
  Device_IsAddressable_Args: {
    size: 25,
    fields: { device: [16, 8], is_addressable: [24, 1] },
  },
  Device_MemoryStats_Args: {
    size: 185,
    fields: {
      device: [16, 8],
      bytes_in_use: [24, 8],
      peak_bytes_in_use: [32, 8],
      peak_bytes_in_use_is_set: [40, 1],
      num_allocs: [48, 8],
      num_allocs_is_set: [56, 1],
      largest_alloc_size: [64, 8],
      largest_alloc_size_is_set: [72, 1],
      bytes_limit: [80, 8],
      bytes_limit_is_set: [88, 1],
      bytes_reserved: [96, 8],
      bytes_reserved_is_set: [104, 1],
      peak_bytes_reserved: [112, 8],
      peak_bytes_reserved_is_set: [120, 1],
      bytes_reservable_limit: [128, 8],
      bytes_reservable_limit_is_set: [136, 1],
      largest_free_block_bytes: [144, 8],
      largest_free_block_bytes_is_set: [152, 1],
      pool_bytes: [160, 8],
      pool_bytes_is_set: [168, 1],
      peak_pool_bytes: [176, 8],
      peak_pool_bytes_is_set: [184, 1],
    },
  },
  Executable_Destroy_Args: { size: 24, fields: { executable: [16, 8] } },
  Executable_NumOutputs_Args: { size: 32, fields: { executable: [16, 8], num_outputs: [24, 8] } },
  Executable_GetCompiledMemoryStats_Args: {
    size: 120,
    fields: {
      executable: [16, 8],
      generated_code_size_in_bytes: [24, 8],
      argument_size_in_bytes: [32, 8],
      output_size_in_bytes: [40, 8],
      alias_size_in_bytes: [48, 8],
      temp_size_in_bytes: [56, 8],
      host_generated_code_size_in_bytes: [64, 8],
      host_argument_size_in_bytes: [72, 8],
      host_output_size_in_bytes: [80, 8],
      host_alias_size_in_bytes: [88, 8],
      host_temp_size_in_bytes: [96, 8],
      peak_memory_in_bytes: [104, 8],
      total_size_in_bytes: [112, 8],
    },
  },
  Executable_OptimizedProgram_Args: { size: 32, fields: { executable: [16, 8], program: [24, 8] } },
  LoadedExecutable_Destroy_Args: { size: 24, fields: { executable: [16, 8] } },
  LoadedExecutable_GetExecutable_Args: {
    size: 32,
    fields: { loaded_executable: [16, 8], executable: [24, 8] },
  },
  LoadedExecutable_Execute_Args: {
    size: 80,
    fields: {
      executable: [16, 8],
      options: [24, 8],
      argument_lists: [32, 8],
      num_devices: [40, 8],
      num_args: [48, 8],
      output_lists: [56, 8],
      device_complete_events: [64, 8],
      execute_device: [72, 8],
    },
  },
  Buffer_Destroy_Args: { size: 24, fields: { buffer: [16, 8] } },
  Buffer_ToHostBuffer_Args: {
    size: 56,
    fields: { src: [16, 8], host_layout: [24, 8], dst: [32, 8], dst_size: [40, 8], event: [48, 8] },
  },
  NamedValue: {
    size: 56,
    fields: {
      name: [16, 8],
      name_size: [24, 8],
      type: [32, 4],
      string_value: [40, 8],
      int64_value: [40, 8],
      int64_array_value: [40, 8],
      float_value: [40, 4],
      bool_value: [40, 1],
      value_size: [48, 8],
    },
  },
  Program: {
    size: 48,
    fields: { code: [16, 8], code_size: [24, 8], format: [32, 8], format_size: [40, 8] },
  },
  ExecuteOptions: {
    size: 112,
    fields: {
      send_callbacks: [16, 8],
      recv_callbacks: [24, 8],
      num_send_ops: [32, 8],
      num_recv_ops: [40, 8],
      launch_id: [48, 4],
      non_donatable_input_indices: [56, 8],
      num_non_donatable_input_indices: [64, 8],
      context: [72, 8],
      call_location: [80, 8],
      num_tasks: [88, 8],
      task_ids: [96, 8],
      incarnation_ids: [104, 8],
    },
  },
} as const;

/** A structure of the API. */
export type StructName = keyof typeof STRUCTS;
