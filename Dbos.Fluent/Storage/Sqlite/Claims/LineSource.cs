namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Places in a line of one kind of rows, read chunk by chunk as they are needed.</summary>
/// <param name="chunk">How many places are read at once.</param>
/// <param name="readBehind">Reads the next so many places behind one.</param>
internal sealed class LineSource(int chunk, Func<LinePlace, List<LinePlace>> readBehind)
{
    private readonly Queue<LinePlace> read = new();
    private LinePlace last = LinePlace.BeforeAll;
    private bool ended;

    /// <summary>The first places of all sources, in order.</summary>
    public static List<LinePlace> Merge(List<LineSource> sources, int limit)
    {
        var heads = new PriorityQueue<LineSource, LinePlace>();
        var places = new List<LinePlace>();
        foreach (var source in sources)
        {
            source.EnqueueNext(heads);
        }

        while (heads.TryDequeue(out var source, out var place))
        {
            places.Add(place);
            if (places.Count == limit)
            {
                break;
            }

            source.EnqueueNext(heads);
        }

        return places;
    }

    private void EnqueueNext(PriorityQueue<LineSource, LinePlace> heads)
    {
        if (read.Count == 0 && !ended)
        {
            Read();
        }

        if (read.TryDequeue(out var place))
        {
            heads.Enqueue(this, place);
        }
    }

    private void Read()
    {
        foreach (var place in readBehind(last))
        {
            read.Enqueue(place);
            last = place;
        }

        ended = read.Count < chunk;
    }
}
