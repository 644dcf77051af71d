/* The rules of `gtalign/Conversation-v0` as a C loop, for one scenario, to say how near the vector
   environment comes to it. Benchmark only: the game is defined in gtalign_env/core/rules.py.

   Assistant's seat, default user, constant lengths, one type, a price by the token: context billing,
   budget, chance by counter-based draws, masks, observation, reset at the step after the end. The
   returns of benchmarks/steps.py's check agree with the environment's to the last bit. */

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { VQ, DQ, REPLY, ACCEPT, FOLLOW_UP, LEAVE };
enum { CQ = 3, ACCEPTED = 0, LEFT, BROKE, TRUNCATED };
enum { USER, ASSISTANT, WORLD };
enum { CLEAR = 1, COVERS, KNOWS, SUFFICES, POLICY = 7 };

typedef struct {
    int64_t price[4], cost[4];          /* input, cached, output, reasoning; pico-USD per token */
    int64_t budget, system, reasoning, comfort, tolerance, persistence, limit, style;
    int64_t message[6], output[7];
    double margin, retention, churn, p_correct, clarity, covers[3], quality[3];
    double value, harm, conciseness, annoyance, effort[6], sensitivity, discount, outside, p_vague;
    float fixed[64];                    /* entries that never change */
    int64_t entries, at_said, at_answered, at_informed, at_style, at_questions;
} Game;

typedef struct {
    uint64_t key, stream;
    int64_t episode, charged, cost;
    int32_t context, output, total_output, message;
    int16_t exchange, questions, tries;
    int8_t said, answered, informed, right, ended, done;
    double unpaid, user, assistant;
} Talk;

static inline uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static inline double draw(uint64_t stream, int turn, int seat, int purpose) {
    uint64_t at = ((uint64_t)turn << 16) | ((uint64_t)seat << 8) | (uint64_t)purpose;
    uint64_t x = mix(stream + at * 0x9E3779B97F4A7C15u);
    return (double)(mix(x + 0x9E3779B97F4A7C15u) >> 11) * 0x1p-53;
}

static inline int happens(double p, uint64_t stream, int turn, int seat, int purpose) {
    return p >= 1.0 || draw(stream, turn, seat, purpose) < p;
}

static inline double scaled(double x, double scale) { return x / (scale + fabs(x)); }

static void look(const Game *g, const Talk *t, float *out) {
    out[0] = (float)((double)(t->exchange + 1) / (double)g->limit);
    for (int k = 0; k < 6; k++) out[g->at_said + k] = k == t->said;
    for (int k = 0; k < 7; k++) out[g->at_answered + k] = k == t->answered;
    out[g->at_informed] = t->informed;
    for (int k = 0; k < 3; k++) out[g->at_style + k] = k == g->style;
    float *q = out + g->at_questions;
    q[0] = (float)scaled(t->questions, 2.0);
    q[1] = (float)scaled(t->message, 100.0);
    q[2] = (float)scaled(t->total_output, 500.0);
    q[3] = (float)scaled((double)t->charged, 1e10);
    q[4] = (float)scaled((double)t->cost, 1e10);
}

static void pay(Talk *t, double user, double assistant) {
    t->unpaid += assistant;
    t->user += user;
    t->assistant += assistant;
}

static void end(Talk *t, int how, double user, double assistant) {
    t->ended = (int8_t)how;
    pay(t, user, assistant);
}

static void user_moves(const Game *g, Talk *t, int move) {
    t->said = (int8_t)move;
    if (move == ACCEPT) {
        double worth = t->right ? g->value : -g->harm;
        end(t, ACCEPTED, pow(g->discount, t->exchange) * worth, t->right ? g->retention : -g->churn);
        return;
    }
    if (move == LEAVE) { end(t, LEFT, g->outside, -g->churn); return; }
    if (t->exchange + 1 >= g->limit) { end(t, TRUNCATED, g->outside, -g->churn); return; }
    pay(t, -g->effort[move], 0.0);
    if (move == DQ || move == FOLLOW_UP ||
        (move == REPLY && happens(g->clarity, t->stream, t->exchange + 1, USER, CLEAR)))
        t->informed = 1;
    if (t->answered >= 0 && t->answered != CQ) t->tries++;
    t->exchange++;
    t->right = 0;
    t->message = (int32_t)g->message[move];
}

static void assistant_moves(const Game *g, Talk *t, int move) {
    int turn = t->exchange, level = move < CQ ? move : move > CQ ? move - 4 : 0;
    int right = move != CQ &&
                happens(t->informed ? 1.0 : g->covers[level], t->stream, turn, ASSISTANT, COVERS) &&
                happens(g->p_correct, t->stream, turn, ASSISTANT, KNOWS) &&
                happens(g->quality[level], t->stream, turn, ASSISTANT, SUFFICES);
    int64_t cached = t->exchange ? t->context : 0;
    int64_t input = t->exchange ? t->context + t->output + t->message : g->system + t->message;
    int64_t output = g->output[move], fresh = input - cached;
    int64_t charge = fresh * g->price[0] + cached * g->price[1] + output * g->price[2] +
                     g->reasoning * g->price[3];
    int64_t cost = fresh * g->cost[0] + cached * g->cost[1] + output * g->cost[2] +
                   g->reasoning * g->cost[3];
    t->cost += cost;
    t->answered = (int8_t)move;
    if (charge > g->budget - t->charged) {
        end(t, BROKE, g->outside, -g->churn - g->margin * ((double)cost / 1e12));
        return;
    }
    t->questions += move >= CQ;
    t->right = (int8_t)right;
    t->context = (int32_t)input;
    t->output = (int32_t)output;
    t->total_output += (int32_t)output;
    t->charged += charge;
    double bored = move >= CQ && t->questions > g->tolerance ? g->annoyance : 0.0;
    double beyond = output > g->comfort ? (double)(output - g->comfort) : 0.0;
    double user = -g->conciseness * beyond / 100 - bored - g->sensitivity * ((double)charge / 1e12);
    pay(t, user, g->margin * ((double)(charge - cost) / 1e12));
}

static void user_replies(const Game *g, Talk *t) {
    if (t->answered == CQ) user_moves(g, t, REPLY);
    else if (t->right) user_moves(g, t, ACCEPT);
    else if (t->tries < g->persistence && t->exchange + 1 < g->limit)
        user_moves(g, t, t->answered > CQ ? REPLY : FOLLOW_UP);
    else user_moves(g, t, LEAVE);
}

static void begin(const Game *g, Talk *t, float *out) {
    uint64_t key = t->key;
    int64_t episode = t->episode + 1;
    memset(t, 0, sizeof *t);
    t->key = key;
    t->episode = episode;
    t->stream = mix(key + (uint64_t)episode * 0xD1342543DE82EF95u);
    t->exchange = -1;
    t->answered = t->ended = -1;
    memcpy(out, g->fixed, (size_t)g->entries * sizeof *out);
    user_moves(g, t, draw(t->stream, 0, USER, POLICY) < g->p_vague ? VQ : DQ);
    look(g, t, out);
}

void start(const Game *g, Talk *talks, const uint64_t *keys, float *seen, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        talks[i].key = keys[i];
        talks[i].episode = -1;
        begin(g, talks + i, seen + i * g->entries);
    }
}

void step(const Game *g, Talk *talks, const int64_t *actions, float *seen, double *rewards,
          uint8_t *terminated, uint8_t *truncated, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        Talk *t = talks + i;
        float *out = seen + i * g->entries;
        if (t->done) {
            begin(g, t, out);
            rewards[i] = 0.0;
            terminated[i] = truncated[i] = 0;
            continue;
        }
        assistant_moves(g, t, (int)actions[i]);
        if (t->ended < 0) user_replies(g, t);
        look(g, t, out);
        rewards[i] = t->unpaid;
        t->unpaid = 0.0;
        t->done = t->ended >= 0;
        truncated[i] = t->ended == TRUNCATED;
        terminated[i] = t->done && !truncated[i];
    }
}

int64_t size_of_talk(void) { return (int64_t)sizeof(Talk); }
