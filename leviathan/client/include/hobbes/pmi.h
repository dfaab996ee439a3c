/* SPDX-License-Identifier: Apache-2.0 */
/* PMI-1.1, for programs that hobbes started as ranks of a job, or another launcher did: how they find each other. Link with
 * -lhobbes-pmi. Every function answers PMI_SUCCESS or one of the codes below; one thread at a time.
 *
 * A rank without a launcher is a job of its own: rank 0 of 1. */
#ifndef HOBBES_PMI_H
#define HOBBES_PMI_H

#ifdef __cplusplus
extern "C" {
#endif

#define PMI_SUCCESS 0
#define PMI_FAIL (-1)
#define PMI_ERR_INIT 1          /* not initialized */
#define PMI_ERR_NOMEM 2
#define PMI_ERR_INVALID_ARG 3
#define PMI_ERR_INVALID_KEY 4
#define PMI_ERR_INVALID_KEY_LENGTH 5
#define PMI_ERR_INVALID_VAL 6
#define PMI_ERR_INVALID_VAL_LENGTH 7
#define PMI_ERR_INVALID_LENGTH 8
#define PMI_ERR_INVALID_NUM_ARGS 9
#define PMI_ERR_INVALID_ARGS 10
#define PMI_ERR_INVALID_NUM_PARSED 11
#define PMI_ERR_INVALID_KEYVALP 12
#define PMI_ERR_INVALID_SIZE 13

#ifndef PMI_TRUE
#define PMI_TRUE 1
#define PMI_FALSE 0
#endif

typedef struct PMI_keyval_t {
  const char* key;
  char* val;
} PMI_keyval_t;

int PMI_Init(int* spawned);
int PMI_Initialized(int* initialized);
int PMI_Finalize(void);
/* Ends the job; this rank with `exit_code`. Does not return. */
int PMI_Abort(int exit_code, const char error_message[]);

int PMI_Get_size(int* size);
int PMI_Get_rank(int* rank);
int PMI_Get_universe_size(int* size);
int PMI_Get_appnum(int* appnum);
/* The ranks that share this one's machine: an enclave, or the Linux side. */
int PMI_Get_clique_size(int* size);
int PMI_Get_clique_ranks(int ranks[], int length);

/* Returns when all ranks have called it; what they have put before is there then. */
int PMI_Barrier(void);

/* Lengths count the NUL at the end. */
int PMI_KVS_Get_my_name(char kvsname[], int length);
int PMI_KVS_Get_name_length_max(int* length);
int PMI_KVS_Get_key_length_max(int* length);
int PMI_KVS_Get_value_length_max(int* length);
/* Neither keys nor values hold blanks or line ends. */
int PMI_KVS_Put(const char kvsname[], const char key[], const char value[]);
int PMI_KVS_Commit(const char kvsname[]);
int PMI_KVS_Get(const char kvsname[], const char key[], char value[], int length);
int PMI_Get_id_length_max(int* length);
int PMI_Get_kvs_domain_id(char id[], int length);

/* Refused by hobbes: PMI_FAIL. */
int PMI_Publish_name(const char service_name[], const char port[]);
int PMI_Unpublish_name(const char service_name[]);
int PMI_Lookup_name(const char service_name[], char port[]);
int PMI_Spawn_multiple(int count, const char* cmds[], const char** argvs[], const int maxprocs[],
                       const int info_keyval_sizes[], const PMI_keyval_t* info_keyval_vectors[], int preput_keyval_size,
                       const PMI_keyval_t preput_keyval_vector[], int errors[]);

#ifdef __cplusplus
}
#endif

#endif
