using System.Text;
using System.Text.Json;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>The member <c>data</c> of a portable failure: its own data and the facts that only .NET knows, in one object.</summary>
internal static class PortableData
{
    private const string AsValue = "value";
    private const string AsText = "text";

    // Twelve levels of inner failures use 48 of the 64 nesting levels of a payload.
    private const int DepthMax = 15;

    /// <summary>Writes the member with its name and a leading comma, or nothing if there is no data.</summary>
    public static void Write(PooledBuffer output, RecordedFailure failure, string? code, int levels)
    {
        var own = failure.Data?.Trim();
        var form = own is null ? Form.None : FormOf(own);
        using var facts = new PooledBuffer(Array.MaxLength);
        DotnetFacts.Write(facts, failure, code, form switch { Form.Wrapped => AsValue, Form.Text => AsText, _ => null }, levels);
        if (facts.Length == 0)
        {
            output.Write(Encoding.UTF8.GetBytes(own is null ? "" : ",\"data\":" + own));
            return;
        }

        if (form == Form.Alone)
        {
            facts.Clear();
            DotnetFacts.Write(facts, failure, code, AsValue, levels);
        }

        output.Write(",\"data\":"u8);
        WriteOwn(output, own, form);
        output.Write(Encoding.UTF8.GetBytes($"\"{DotnetFacts.Name}\":"));
        output.Write(facts.Written);
        output.WriteByte((byte)'}');
    }

    /// <summary>The failure's own data as JSON text: exactly the original if the text is unchanged since we wrote it.</summary>
    public static string? Read(JsonElement? data, JsonElement? facts, string? form)
    {
        if (data is not { } all || facts is not { } own)
        {
            return data?.GetRawText();
        }

        if (form is AsValue or AsText)
        {
            return !all.TryGetProperty("value"u8, out var value) ? null
                : form == AsText ? value.ToString()
                : value.GetRawText();
        }

        var text = all.GetRawText();
        var ours = $",\"{DotnetFacts.Name}\":{own.GetRawText()}}}";
        return text.EndsWith(ours, StringComparison.Ordinal) ? text[..^ours.Length] + "}" : Others(all);
    }

    private static void WriteOwn(PooledBuffer output, string? own, Form form)
    {
        switch (form)
        {
            case Form.None:
                output.WriteByte((byte)'{');
                return;
            case Form.Members:
                output.Write(Encoding.UTF8.GetBytes(own![..^1]));
                break;
            case Form.Alone or Form.Wrapped:
                output.Write("{\"value\":"u8);
                output.Write(Encoding.UTF8.GetBytes(own!));
                break;
            case Form.Text:
                output.Write("{\"value\":"u8);
                JsonText.WriteString(output, own!);
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"Unknown form {form}.");
        }

        output.WriteByte((byte)',');
    }

    private static Form FormOf(string own)
    {
        try
        {
            using var parsed = JsonDocument.Parse(own, new JsonDocumentOptions { MaxDepth = DepthMax });
            return parsed.RootElement switch
            {
                { ValueKind: JsonValueKind.Null } => Form.Wrapped,
                { ValueKind: JsonValueKind.Object } map when map.TryGetProperty(DotnetFacts.Name, out _) => Form.Wrapped,
                { ValueKind: JsonValueKind.Object } map when map.EnumerateObject().Any() => Form.Members,
                _ => Form.Alone,
            };
        }
        catch (JsonException)
        {
            return Form.Text;
        }
    }

    // Another writer stored the error again, with its own order or whitespace.
    private static string? Others(JsonElement data)
    {
        var members = data.EnumerateObject().Where(member => !member.NameEquals(DotnetFacts.Name)).ToList();
        if (members.Count == 0)
        {
            return null;
        }

        using var json = new PooledBuffer(Array.MaxLength);
        foreach (var member in members)
        {
            json.WriteByte((byte)(json.Length == 0 ? '{' : ','));
            JsonText.WriteString(json, member.Name);
            json.WriteByte((byte)':');
            json.Write(Encoding.UTF8.GetBytes(member.Value.GetRawText()));
        }

        json.WriteByte((byte)'}');
        return Encoding.UTF8.GetString(json.Written);
    }

    private enum Form
    {
        None,

        /// <summary>Its members are beside the facts.</summary>
        Members,

        /// <summary>It is the whole data if there are no facts, else it is in a member.</summary>
        Alone,

        /// <summary>It is in a member: alone it would be misread.</summary>
        Wrapped,

        /// <summary>It is not JSON that can be nested, so it is in a member as a string.</summary>
        Text,
    }
}
