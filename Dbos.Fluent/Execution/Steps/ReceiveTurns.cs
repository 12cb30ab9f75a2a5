namespace Dbos.Fluent.Execution;

/// <summary>Orders the receives of one run that take messages of one topic: the lower sequence number first.</summary>
internal sealed class ReceiveTurns
{
    private readonly Lock gate = new();
    private readonly List<Turn> turns = [];

    /// <summary>Announces a receive that will wait for a message of the topic. Disposing the turn ends it.</summary>
    /// <remarks>Members of a group are announced before any of them begins, so that it does not matter which one begins first.</remarks>
    public Turn Announce(string? topic, int sequence)
    {
        lock (gate)
        {
            var turn = turns.Find(turn => turn.Topic == topic && turn.Sequence == sequence);
            if (turn is null)
            {
                turns.Add(turn = new Turn(this, topic, sequence));
                Promote(topic);
            }

            return turn;
        }
    }

    private void End(Turn turn)
    {
        lock (gate)
        {
            turns.Remove(turn);
            Promote(turn.Topic);
        }
    }

    private bool AllBeforeEndBy(Turn turn, long untilMs)
    {
        lock (gate)
        {
            return turns.TrueForAll(
                other => other.Topic != turn.Topic || other.Sequence >= turn.Sequence || other.UntilMs <= untilMs);
        }
    }

    private void Promote(string? topic) =>
        turns.Where(turn => turn.Topic == topic).MinBy(turn => turn.Sequence)?.Begin();

    /// <summary>One receive's turn.</summary>
    internal sealed class Turn(ReceiveTurns turns, string? topic, int sequence) : IDisposable
    {
        private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string? Topic { get; } = topic;

        public int Sequence { get; } = sequence;

        /// <summary>Completes when no receive of the topic with a lower number is left.</summary>
        public Task Come => begun.Task;

        /// <summary>When its wait is over; never, until it has begun.</summary>
        public long UntilMs { get; set; } = long.MaxValue;

        /// <summary>Whether the waits of all that come before it are over by a moment too, so that its turn is about to come.</summary>
        public bool ComesBy(long untilMs) => turns.AllBeforeEndBy(this, untilMs);

        public void Begin() => begun.TrySetResult();

        public void Dispose() => turns.End(this);
    }
}
