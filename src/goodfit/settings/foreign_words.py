"""The words of other tools, by what we answer: the table behind `foreign`.

Layer: settings; data only. Read from transformers TrainingArguments, PEFT LoraConfig, TRL (today's and older names), axolotl,
LLaMA-Factory, Unsloth, torchtune, LitGPT, ms-swift, Ludwig, SetFit, AutoTrain, simpletransformers and hosted services. A key of
the recipe always wins over a word here, so an entry goes stale harmlessly when a feature arrives.
"""

from __future__ import annotations

OURS: dict[str, str] = {
    "name": "run_name experiment_name project_name project suffix wandb_name wandb_run_name",
    "purpose": "description model_description",
    "seed": "random_seed random_state data_seed seed_everything rng_seed",
    "task.kind": "task_type task_name stage type problem",
    "task.text": (
        "text_column text_col text_columns text_field text_key dataset_text_field input_column input_columns input_field "
        "sentence_column sentence1_key features feature_columns input_features inputs column_mapping prompt_column x_col"
    ),
    "task.label": (
        "label_column label_col label_columns label_field label_key target target_column target_col targets output_features "
        "output_column answer_column y_col class_column"
    ),
    "task.multi_label": "problem_type multilabel multi_target_strategy",
    "task.label_separator": "label_delimiter label_sep",
    "task.messages": "conversations conversation field_messages chat dialog turns",
    "task.prompt": "instruction question query prompt_key field_instruction columns_mapping",
    "task.completion": "response output answer response_column field_output answer_key",
    "task.template": "prompt_template prompt_style prompt_format template_prompt",
    "task.system": "default_system system_prompt field_system",
    "task.speakers": "role_mapping roles message_property_mappings tags",
    "task.chat_template": "chat_template_path chat_template_jinja tokenizer_template enable_thinking",
    "task.roles_to_train": (
        "train_on_inputs train_on_prompt mask_history assistant_only_loss completion_only_loss mask_prompt eot_tokens response_template "
        "instruction_template train_on_responses_only train_on_eos"
    ),
    "task.tools": "tool_format functions",
    "task.choices": "doc_to_choice choices_column options answer_choices multiple_choices",
    "task.labels": "num_labels n_classes num_classes id2label label2id label_names label_list class_names classes categories",
    "data": "datasets data_args data_config corpora dataset_mixture",
    "data.path": (
        "dataset dataset_name dataset_path data_path data_file data_files data_dir dataset_dir file file_name filename csv "
        "input_file hf_dataset custom_dataset"
    ),
    "data.train": "train_file training_file train_data train_dataset train_path train_split train_dataset_path dataset_train_split",
    "data.valid": (
        "validation_file valid_file val_file dev_file eval_file eval_dataset val_dataset validation_dataset dataset_val "
        "test_datasets valid_split dev eval_data"
    ),
    "data.test": "test_file test_data test_dataset test_path dataset_test_split",
    "data.format": "file_format file_type formatting ds_type",
    "data.sources": (
        "interleave_probs interleave_prob mix_strategy dataset_mixer dataset_mixer_list dataset_weights data_weights "
        "mixture_weights sampling_weights dataset_probabilities"
    ),
    "prepare.special_tokens": (
        "add_special_tokens additional_special_tokens extra_special_tokens new_special_tokens new_special_tokens_config resize_vocab "
        "init_special_tokens resize_token_embeddings resize_token_embeddings_to_32x"
    ),
    "prepare.added_tokens": "tokens add_tokens new_tokens added_tokens_overrides trainable_token_indices",
    "prepare.mix": "replay replay_data replay_dataset rehearsal rehearsal_data general_data pretraining_dataset",
    "groups": "sensitive_features sensitive_feature protected_attributes protected_columns group_columns demographics",
    "split.valid_size": (
        "val_set_size val_size valid_ratio validation_split validation_size val_split dev_size eval_ratio validation_ratio "
        "split_dataset_ratio split_ratio"
    ),
    "split.test_size": "test_split_size test_ratio test_split holdout_size",
    "split.by": "group_column group_by groups_column group_key split_column",
    "split.time": "time_column timestamp_column date_column",
    "split.duplicates": "dataset_exact_deduplication deduplicate dedup drop_duplicates",
    "choose": "model_args model_config checkpointer",
    "choose.model_name_or_path": (
        "model base_model model_name model_id model_path model_dir model_name_or_id pretrained_model_name_or_path "
        "pretrained_model base_model_name_or_path checkpoint checkpoint_dir checkpoint_path backbone architecture encoder llm"
    ),
    "prepare": "preprocessing tokenization preprocess",
    "prepare.truncation_mode": "truncation_strategy truncation truncate excess_length_strategy truncation_side",
    "prepare.max_length": (
        "max_seq_length max_seq_len max_sequence_length sequence_len sequence_length seq_len seq_length cutoff_len "
        "model_max_length max_len max_tokens block_size max_input_length truncation_length max_prompt_length"
    ),
    "train": "training trainer training_args training_arguments hyperparameters params train_args sft_config",
    "train.learning_rate": "lr base_lr peak_lr max_lr body_learning_rate learning_rate_multiplier",
    "train.head_learning_rate": "head_lr lr_head classifier_lr classifier_learning_rate loraplus_lr_ratio",
    "train.num_train_epochs": "epochs num_epochs n_epochs epoch max_epochs train_epochs nb_epochs num_train_epoch",
    "train.max_steps": "steps num_steps iters num_iterations max_train_steps max_iters train_steps num_training_steps max_steps_per_epoch",
    "train.batch_tokens": "max_tokens_per_batch tokens_per_batch batch_max_tokens",
    "train.per_device_train_batch_size": (
        "batch_size micro_batch_size train_batch_size per_gpu_train_batch_size per_device_batch_size global_batch_size "
        "effective_batch_size train_micro_batch_size_per_gpu mini_batch_size batchsize"
    ),
    "train.gradient_accumulation_steps": (
        "gradient_accumulation grad_accum grad_accumulation_steps accumulate_grad_batches accumulation_steps gradient_accumulation_iters"
    ),
    "train.weight_decay": "wd decay l2 weight_decay_rate",
    "train.adam_beta1": "beta1 betas adam_betas",
    "train.adam_beta2": "beta2",
    "train.adam_epsilon": "adam_eps eps epsilon",
    "train.max_grad_norm": "clip_grad_norm grad_clip gradient_clipping gradient_clip_val clip_grad grad_norm_clip max_norm",
    "train.lr_scheduler_type": "lr_scheduler scheduler lr_schedule scheduler_type learning_rate_scheduler lr_decay_style",
    "train.decay_steps": "num_decay_steps lr_decay_steps decay_fraction cooldown cooldown_fraction",
    "tune.trials": "n_trials num_trials max_trials hyperparameter_search hpo hp_search sweep",
    "tune.space": "search_space hp_space param_space param_distributions",
    "tune.budget": "time_budget timeout_search max_runtime",
    "tune.parallel": "n_jobs num_workers_search max_concurrent_trials concurrent_trials",
    "train.warmup_steps": "warmup warmup_ratio warmup_proportion warmup_fraction num_warmup_steps lr_warmup_steps warmup_epochs",
    "train.label_smoothing_factor": "label_smoothing smoothing label_smoothing_epsilon",
    "train.class_weights": "class_weight loss_weights weighted_loss balanced_class_weights",
    "train.freeze": (
        "freeze_backbone freeze_encoder freeze_base_model freeze_body freeze_embeddings freeze_layers freeze_trainable_layers "
        "unfrozen_parameters num_frozen_layers end_to_end trainable_layers freeze_model"
    ),
    "train.early_stopping": (
        "early_stopping_patience early_stopping_threshold early_stopping_steps early_stop patience early_stopping_rounds use_early_stopping"
    ),
    "train.eval_steps": (
        "eval_strategy evaluation_strategy do_eval evals_per_epoch eval_every val_check_interval evaluate_during_training "
        "run_val_every_n_steps eval_interval steps_per_eval validation_frequency"
    ),
    "train.save_steps": "save_strategy saves_per_epoch save_every save_interval checkpoint_every n_checkpoints checkpointing_steps",
    "train.report_to": "logger log_with log use_wandb use_mlflow tracker integration logger_name wandb",
    "train.logging_steps": "logging_strategy log_every log_every_n_steps log_interval steps_per_report log_steps",
    "train.precision": (
        "bf16 fp16 bfloat16 float16 tf32 dtype torch_dtype mixed_precision pure_bf16 fp32 half amp compute_dtype use_amp "
        "bf16_full_eval fp16_full_eval mixed_precision_training"
    ),
    "train.metric_for_best_model": "validation_metric best_metric metric_to_track early_stopping_metric monitor_metric",
    "peft": "peft_config lora_config lora adapter_config lora_parameters tuner",
    "peft.method": (
        "peft_type finetuning_type finetuning_method adapter adapter_type tuner_type train_type use_peft use_lora full_finetune "
        "full_finetuning training_type sft_type"
    ),
    "peft.r": "lora_r lora_rank rank lora_dim",
    "peft.lora_alpha": "alpha lora_scale lora_scaling",
    "peft.lora_dropout": "adapter_dropout module_dropout",
    "peft.target_modules": (
        "lora_target lora_target_modules lora_target_linear lora_attn_modules apply_lora_to_mlp apply_lora_to_output "
        "lora_layers lora_keys lora_modules"
    ),
    "evaluate": "evaluation eval eval_args",
    "assess": "assessment fairness bias_assessment",
    "evaluate.on": "eval_split eval_on evaluation_split",
    "evaluate.metrics": "metric eval_metric eval_metrics compute_metrics include_for_metrics",
    "evaluate.baselines": "baseline",
    "evaluate.gates": "thresholds minimum_score gate quality_gates",
    "evaluate.max_new_tokens": "generation_max_length max_gen_length max_generated_tokens eval_max_new_tokens",
    "evaluate.few_shot": "num_fewshot n_shot n_shots num_shots fewshot",
    "evaluate.json_schema": "guided_json",
    "evaluate.regex": "guided_regex",
    "audit": "data_validation checks lint",
    "audit.ignore": "mute muted skip_checks ignore_checks",
    "report": "reporting",
}
"""Our key -> the words that other tools use for it."""

NEEDLESS: dict[str, str] = {
    "every run gets a folder of its own under ./runs (`--workspace` chooses another)": (
        "output_dir overwrite_output_dir logging_dir log_dir save_dir out_dir results_dir export_dir output_path save_path "
        "working_dir default_root_dir"
    ),
    "the same command continues a run that was interrupted": (
        "resume_from_checkpoint auto_resume_from_checkpoints resume do_resume ignore_data_skip restore_callback_states_from_checkpoint"
        " save_on_each_node"
    ),
    "the best step is always kept and restored": (
        "load_best_model_at_end save_best save_best_model save_total_limit save_only_model save_last keep_best save_checkpoint "
        "save_safetensors save_model"
    ),
    "every metric knows its direction": "greater_is_better minimize maximize metric_mode early_stopping_mode",
    "the tokenizer comes with the model": (
        "tokenizer processing_class tokenizer_name tokenizer_name_or_path tokenizer_type tokenizer_config tokenizer_path "
        "use_fast_tokenizer tokenizer_use_fast do_lower_case pad_token eos_token "
        "padding_side preprocessor"
    ),
    "rows are packed without padding wherever a check on your model shows equal results": (
        "packing sample_packing eval_sample_packing neat_packing packed padding_free packing_strategy group_by_length "
        "train_sampling_strategy length_column_name pad_to_sequence_len pad_to_multiple_of pad_to_max_length padding "
        "dynamic_padding eval_packing multipack bucketing"
    ),
    "the optimiser is AdamW with bias correction": (
        "optim optimizer optim_args optimizer_type optimiser use_adafactor adafactor optim_target_modules optimizer_name adamw"
    ),
    "the engine chooses the attention": (
        "attn_implementation flash_attention flash_attn use_flash_attention_2 use_flash_attn xformers_attention sdp_attention "
        "flex_attention eager_attention use_kernels use_liger_kernel enable_liger_kernel liger_kernel_config flash_attention_2 "
        "attention"
    ),
    "the tokens lie in a cache that is keyed by content": (
        "overwrite_cache dataset_prepared_path reprocess_input_data tokenized_path cache_dir use_cached_eval_features no_cache "
        "preprocessing_num_workers dataset_num_proc num_proc dataset_processes preprocessing_batch_size remove_unused_columns "
        "use_multiprocessing shuffle shuffle_merged_datasets shuffle_dataset no_shuffle skip_prepare_dataset buffer_size "
        "low_cpu_mem_usage"
    ),
    "looks at validation choose their own batch size": (
        "eval_batch_size per_device_eval_batch_size per_gpu_eval_batch_size batch_size_val eval_accumulation_steps "
        "auto_find_batch_size val_batch_size predict_batch_size eval_do_concat_batches batch_eval_metrics"
    ),
    "the pipeline runs every stage; a stage has a verb of its own": (
        "do_train do_predict do_test evaluate_before_training eval_on_start eval_delay plot_loss predict_with_generate "
        "prediction_loss_only compute_accuracy mode action command"
    ),
    "the device is found by itself": (
        "device use_cpu no_cuda use_cuda n_gpu gpu gpus gpu_count accelerator devices cuda device_map use_mps_device strategy "
        "tpu_num_cores torch_empty_cache_steps max_memory low_cpu_ram"
    ),
    "every number has an interval, and every run starts from the seed": "full_determinism deterministic",
    "the progress line and log.txt are always there": (
        "disable_tqdm log_level log_level_replica logging_first_step debug verbose logging_nan_inf_filter "
        "include_num_input_tokens_seen log_peak_memory_stats skip_memory_metrics log_on_each_node metric_logger profiler "
        "use_tensorboard include_tokens_per_second include_effective_tokens_per_second silent"
    ),
    "a loss that is not finite always stops the run": "loss_watchdog_threshold loss_watchdog_patience detect_anomaly",
    "every key is checked": "strict ignore_args_error",
}
"""Why something is not needed -> the keys that asked for it."""

ABSENT: dict[str, str] = {
    "answers are written greedily where they are scored": "predict_with_beam_search num_beams",
    "only text is read and written in this version": "vision_tower freeze_vision_tower freeze_multi_modal_projector",
    "preference and reinforcement training are not in this version": (
        "rl rlhf dpo orpo kto grpo reward_model beta pref_beta pref_loss rl_beta ref_model trl simpo_gamma chosen rejected "
        "num_generations reward_funcs process_reward_model"
    ),
    "weights are not quantised in this version; `peft: {method: lora}` saves memory": (
        "load_in_4bit load_in_8bit quantization quantization_bit quantization_method quantization_config double_quantization "
        "bnb_config_kwargs gptq qat use_bnb_nested_quant bnb_4bit_quant_type quantizer quant_config fp8 quantize "
        "model_quantization_config double_quant"
    ),
    "one process on one machine is used in this version": (
        "deepspeed fsdp fsdp_config fsdp_version accelerator_config parallelism_config local_rank num_machines num_processes "
        "num_nodes nproc_per_node tensor_parallel_size context_parallel_size sequence_parallel use_ray backend "
        "average_tokens_across_devices ddp distributed"
    ),
    "activations are kept whole in this version; a smaller train.batch_tokens saves memory": (
        "gradient_checkpointing activation_checkpointing gradient_checkpointing_kwargs activation_checkpointing_kwargs "
        "enable_activation_checkpointing use_gradient_checkpointing activation_offloading enable_activation_offloading "
        "disable_gradient_checkpointing use_unsloth_gc"
    ),
    "uploading is not in this version; the run's train/model is a folder that any tool can upload": (
        "push_to_hub hub_model_id hub_token push_dataset_to_hub username token hf_use_auth_token hub organization"
    ),
    "the dropout of the model's own configuration is used": (
        "dropout hidden_dropout attention_dropout classifier_dropout hidden_dropout_prob attention_probs_dropout_prob head_dropout"
    ),
    "the loss is cross-entropy (binary per class for multi_label), with train.class_weights": (
        "loss loss_type loss_fn loss_function criterion focal_loss loss_name gamma"
    ),
    "this part of PEFT is not in this version": (
        "use_dora use_rslora init_lora_weights modules_to_save lora_modules_to_save bias rank_pattern alpha_pattern "
        "layers_to_transform layers_pattern exclude_modules fan_in_fan_out loftq_config layer_replication target_parameters "
        "adapter_name_or_path lora_model_dir additional_target create_new_adapter pissa_init "
        "lora_target_parameters eva_config corda_config lora_ga_config velora_config alora_invocation_tokens use_qalora "
        "qalora_group_size monteclora_config runtime_config lora_bias use_bdlora arrow_config kasa_config ensure_weight_tying "
        "megatron_config megatron_core lora_fan_in_fan_out"
    ),
    "this way of training is not in this version": (
        "neftune_noise_alpha mixup use_galore use_badam use_apollo use_muon use_adam_mini relora use_llama_pro "
        "lr_scheduler_kwargs layerwise_lr_decay llrd lr_groups swa ema fgm adversarial_training lisa_n_layers "
        "curriculum_sampling augmentation sampling_strategy samples_per_label"
    ),
    "all rows are used; cut the file for a trial": (
        "max_samples max_train_samples max_eval_samples limit sample subset sample_size fraction max_rows n_samples "
        "dataset_shards min_sample_len train_samples"
    ),
    "models are used in PyTorch as they are": (
        "torch_compile torch_compile_backend torch_compile_mode compile use_unsloth jit_mode_eval enable_jit_checkpoint "
        "use_reentrant fused use_cache callbacks plugins"
    ),
    "data is read as a whole; several sources stand under data.sources": "streaming dataset_streaming",
    "a revision cannot be named; give a folder": "revision model_revision revision_of_model branch hub_revision commit_hash",
    "mitigations are not in this version": "mitigate mitigation reweight resample adversary",
    "the run's train/model folder loads in plain transformers; other formats are not in this version": (
        "export export_size export_legacy_format export_device onnx gguf merge merge_lora merge_adapter export_quantization_bit"
    ),
}
"""Why something is not available -> the keys that asked for it."""

PREFIXES: tuple[tuple[str, str], ...] = (
    ("dataloader_", "remove_unused_columns"), ("hub_", "push_to_hub"), ("fsdp_", "fsdp"), ("ddp_", "fsdp"), ("deepspeed_", "fsdp"),
    ("wandb_", "use_wandb"), ("mlflow_", "use_wandb"), ("swanlab_", "use_wandb"), ("trackio_", "use_wandb"), ("comet_", "use_wandb"),
    ("liger_", "use_liger_kernel"), ("flash_attn_", "flash_attn"), ("bnb_", "load_in_4bit"), ("gptq_", "load_in_4bit"),
    ("galore_", "use_galore"), ("badam_", "use_galore"), ("apollo_", "use_galore"), ("dpo_", "rl"), ("ppo_", "rl"), ("kto_", "rl"),
    ("reward_model_", "rl"), ("ref_model_", "rl"), ("vllm_", "num_beams"), ("sglang_", "num_beams"), ("eval_use_", "do_predict"),
    ("image_", "vision_tower"), ("video_", "vision_tower"), ("torch_compile_", "torch_compile"), ("export_", "export_size"),
)  # fmt: skip
"""Families of keys -> the entry whose answer holds for all of them."""
