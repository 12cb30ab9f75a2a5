namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Reads the inputs that a claim's answer has left out, in portions small enough to arrive in time.</summary>
internal sealed class PostgresInputs(Func<string[], CancellationToken, Task<List<KeyValuePair<string, string?>>>> read)
{
    private const long PortionBytesMax = 16L << 20;

    /// <summary>Returns the rows with their inputs. A row that is gone by now was deleted, and nobody has to run it.</summary>
    public async Task<List<ClaimRow>> AddAsync(List<ClaimRow> rows, CancellationToken cancellationToken)
    {
        var without = rows.FindAll(row => row.LeftOutBytes is not null);
        if (without.Count == 0)
        {
            return rows;
        }

        var inputs = await ReadAsync(without, cancellationToken).ConfigureAwait(false);
        return rows
            .FindAll(row => row.LeftOutBytes is null || inputs.ContainsKey(row.Id))
            .ConvertAll(row => row.LeftOutBytes is null ? row : row.WithInput(inputs[row.Id]));
    }

    // A portion that was too large to read in time would be so the next time too, so it is halved.
    private async Task<Dictionary<string, string?>> ReadAsync(List<ClaimRow> without, CancellationToken cancellationToken)
    {
        var inputs = new Dictionary<string, string?>(StringComparer.Ordinal);
        for (var (next, most) = (0, without.Count); next < without.Count;)
        {
            var portion = Portion(without, next, most);
            try
            {
                foreach (var (id, input) in await read(portion, cancellationToken).ConfigureAwait(false))
                {
                    inputs[id] = input;
                }

                next += portion.Length;
            }
            catch (StoreUnavailableException late) when (late.TimedOut && portion.Length > 1)
            {
                most = portion.Length / 2;
            }
        }

        return inputs;
    }

    private static string[] Portion(List<ClaimRow> rows, int first, int most)
    {
        var end = first;
        for (var bytes = 0L; end < rows.Count && end - first < most; end++)
        {
            bytes += rows[end].LeftOutBytes!.Value;
            if (bytes > PortionBytesMax && end > first)
            {
                break;
            }
        }

        return [.. rows[first..end].Select(row => row.Id)];
    }
}
