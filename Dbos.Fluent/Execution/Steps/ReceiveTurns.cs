namespace Dbos.Fluent.Execution;

/// <summary>Orders the receives of one run that take messages of one topic: the lower sequence number first.</summary>
internal sealed class ReceiveTurns
{
    private readonly Lock gate = new();
    private readonly List<Turn> turns = [];

    /// <summary>Announces a receive that may wait for a message of the topic. Disposing the turn ends it.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="sequence">The receive's first sequence number.</param>
    /// <param name="untilMs">When its wait is over, if an earlier run stored that; otherwise null.</param>
    /// <remarks>
    /// Receives that may begin together are announced before any of them begins, so that it does not matter which one begins first.
    /// </remarks>
    public Turn Announce(string? topic, int sequence, long? untilMs)
    {
        lock (gate)
        {
            var turn = turns.Find(turn => turn.Topic == topic && turn.Sequence == sequence);
            if (turn is null)
            {
                turns.Add(turn = new Turn(this, topic, sequence) { UntilMs = untilMs ?? long.MaxValue });
            }

            return turn;
        }
    }

    private void Begin(Turn turn, long? untilMs)
    {
        lock (gate)
        {
            (turn.HasBegun, turn.UntilMs) = (true, untilMs ?? long.MaxValue);
            Promote(turn.Topic);
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

    private bool AllBeforeEndWith(Turn turn)
    {
        lock (gate)
        {
            return turns.TrueForAll(
                other => other.Topic != turn.Topic || other.Sequence >= turn.Sequence || other.UntilMs <= turn.UntilMs);
        }
    }

    // A first that has not begun keeps the others waiting. It is promoted when it begins: others may still be announced before it.
    private void Promote(string? topic)
    {
        if (turns.Where(turn => turn.Topic == topic).MinBy(turn => turn.Sequence) is { HasBegun: true } first)
        {
            first.Promote();
        }
    }

    /// <summary>One receive's turn.</summary>
    internal sealed class Turn(ReceiveTurns turns, string? topic, int sequence) : IDisposable
    {
        private readonly TaskCompletionSource come = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string? Topic { get; } = topic;

        public int Sequence { get; } = sequence;

        /// <summary>When its wait is over; never, if it has no end or none is known yet.</summary>
        public long UntilMs { get; set; }

        /// <summary>Whether its receive waits, or is about to. Until then it is only announced.</summary>
        public bool HasBegun { get; set; }

        /// <summary>Completes when no receive of the topic with a lower number is left.</summary>
        public Task Come => come.Task;

        /// <summary>Whether the waits of all that come before it end no later than its own, so that its turn comes in time.</summary>
        public bool ComesInTime => turns.AllBeforeEndWith(this);

        /// <summary>Begins the wait.</summary>
        /// <param name="untilMs">When it is over; null if it has no end.</param>
        public void Begin(long? untilMs) => turns.Begin(this, untilMs);

        public void Promote() => come.TrySetResult();

        public void Dispose() => turns.End(this);
    }
}
