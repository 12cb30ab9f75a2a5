namespace Dbos.Fluent.Execution;

/// <summary>Makes branches wait until each of them has restored its recorded steps.</summary>
/// <param name="expected">How many branches there are.</param>
/// <param name="outer">The arrival of the branch that contains these branches, in its own meeting; null if no branch contains them.</param>
internal sealed class RestoredMeeting(int expected, RestoredMeeting.Arrival? outer)
{
    private readonly TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int missing = expected;

    /// <summary>A branch's part in the meeting.</summary>
    public Arrival Join() => new(this);

    private void Arrive()
    {
        if (Interlocked.Decrement(ref missing) == 0)
        {
            all.TrySetResult();
        }
    }

    // The containing branch has restored everything once each of these has.
    private async Task MeetAsync()
    {
        await all.Task.ConfigureAwait(false);
        if (outer is not null)
        {
            await outer.MeetAsync().ConfigureAwait(false);
        }
    }

    /// <summary>One branch's part in the meeting: it arrives once, at its first unrecorded step or at its end.</summary>
    internal sealed class Arrival(RestoredMeeting meeting)
    {
        private int arrived;

        public Task MeetAsync()
        {
            Leave();
            return meeting.MeetAsync();
        }

        public void Leave()
        {
            if (Interlocked.Exchange(ref arrived, 1) == 0)
            {
                meeting.Arrive();
            }
        }
    }
}
