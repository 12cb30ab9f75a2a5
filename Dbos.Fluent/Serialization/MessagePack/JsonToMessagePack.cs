using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Unicode;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.MessagePack;

/// <summary>Rewrites JSON text as MessagePack, token by token, without rounding and in the same order of members.</summary>
internal static class JsonToMessagePack
{
    public static void Write(ReadOnlySpan<byte> json, PooledBuffer output)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = SerializationLimits.DepthMax });
        var writer = new MessagePackWriter(output);
        Span<Container> open = stackalloc Container[SerializationLimits.DepthMax + 1];
        var depth = 0;
        while (reader.Read())
        {
            // A map counts names with their values; the end of a container was counted at its start.
            if (reader.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.EndArray or JsonTokenType.EndObject))
            {
                open[depth].Count++;
            }

            switch (reader.TokenType)
            {
                case JsonTokenType.StartArray or JsonTokenType.StartObject:
                    open[++depth] = new Container { HeaderAt = writer.Begin() };
                    break;
                case JsonTokenType.EndArray:
                    writer.EndArray(open[depth].HeaderAt, open[depth].Count);
                    depth--;
                    break;
                case JsonTokenType.EndObject:
                    writer.EndMap(open[depth].HeaderAt, open[depth].Count);
                    depth--;
                    break;
                default:
                    WriteScalar(ref reader, writer);
                    break;
            }
        }
    }

    private static void WriteScalar(ref Utf8JsonReader reader, MessagePackWriter writer)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName or JsonTokenType.String:
                WriteString(ref reader, writer);
                break;
            case JsonTokenType.Number:
                WriteNumber(reader.ValueSpan, writer);
                break;
            case JsonTokenType.True or JsonTokenType.False:
                writer.Boolean(reader.TokenType == JsonTokenType.True);
                break;
            case JsonTokenType.Null:
                writer.Nil();
                break;
            default:
                throw new UnreachableException($"A JSON token {reader.TokenType}.");
        }
    }

    private static void WriteString(ref Utf8JsonReader reader, MessagePackWriter writer)
    {
        if (!reader.ValueIsEscaped)
        {
            // The JSON reader does not check plain strings, and a converter that writes raw text could write any bytes.
            writer.String(Utf8.IsValid(reader.ValueSpan) ? reader.ValueSpan : throw new InvalidDataException("a text is not valid UTF-8"));
            return;
        }

        var rented = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            writer.String(rented.AsSpan(0, reader.CopyString(rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static void WriteNumber(ReadOnlySpan<byte> text, MessagePackWriter writer)
    {
        if (NumberText.IsSigned(text, out var signed))
        {
            writer.Signed(signed);
        }
        else if (NumberText.IsUnsigned(text, out var unsigned))
        {
            writer.Unsigned(unsigned);
        }
        else if (NumberText.IsDouble(text, out var real))
        {
            writer.Double(real);
        }
        else
        {
            writer.Number(text);
        }
    }

    private struct Container
    {
        public int HeaderAt;
        public int Count;
    }
}
